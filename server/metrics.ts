import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import { jobStates } from '#jobs/job.ts'
import { countJobs } from '#jobs/redis/job-lists.ts'
import type { JobStore } from '#jobs/redis/store.ts'
import { type Health, within } from './health.ts'

export interface MetricsDeps {
  store: JobStore
  checkHealth(): Promise<Health>
  /** How long a read of Redis may take. */
  checkMs: number
  sockets(): number
  watchedJobs(): number
}

/**
 * The content of `/metrics`: metrics of this process, the number of jobs in each state, and what
 * this server needs. A gauge whose value is unknown, because Redis does not answer, has no sample.
 */
export function createMetrics(deps: MetricsDeps) {
  const { store, checkHealth, checkMs, sockets, watchedJobs } = deps
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const gauge = (name: string, help: string, read: () => number | Promise<number | null>) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      async collect() {
        const value = await read()
        if (value === null) this.remove()
        else this.set(value)
      },
    })
  gauge('searchlight_sockets', 'Sockets connected to this server', sockets)
  gauge('searchlight_watched_jobs', 'Jobs watched on this server', watchedJobs)
  // Gauges are collected at the same time, so they share one check.
  const ofHealth = (name: string, help: string, read: (health: Health) => number | null) =>
    gauge(name, help, async () => read(await checkHealth()))
  ofHealth('searchlight_redis_up', '1 if Redis takes writes, else 0', ({ redisUp }) =>
    Number(redisUp),
  )
  ofHealth('searchlight_postgres_up', '1 if PostgreSQL works, else 0', ({ postgresUp }) =>
    Number(postgresUp),
  )
  ofHealth('searchlight_workers', 'Connected worker processes', ({ workers }) => workers)
  ofHealth(
    'searchlight_archive_lag_seconds',
    'For how long the oldest ended search has waited for the archive',
    ({ archiveLagSeconds }) => archiveLagSeconds,
  )
  ofHealth(
    'searchlight_paused_queues',
    'Number of types of searches that are paused',
    ({ paused }) => paused?.length ?? null,
  )
  new Gauge({
    name: 'searchlight_jobs',
    help: 'Jobs by state; ended states count all jobs ever, except deleted ones',
    labelNames: ['state'],
    registers: [registry],
    async collect() {
      const counts = await within(checkMs, countJobs(store), null).catch(() => null)
      if (counts === null) this.reset()
      else for (const state of jobStates) this.set({ state }, counts[state])
    },
  })
  return async () => ({ contentType: registry.contentType, text: await registry.metrics() })
}
