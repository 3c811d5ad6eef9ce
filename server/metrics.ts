import { collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import { jobStates } from '#jobs/job.ts'
import { countJobs } from '#jobs/redis/job-lists.ts'
import type { JobStore } from '#jobs/redis/store.ts'
import type { Health } from './health.ts'

export interface MetricsDeps {
  store: JobStore
  health(): Promise<Health>
  sockets(): number
  watchedJobs(): number
}

/** The content of `/metrics`: metrics of this process, and the number of jobs in each state. */
export function createMetrics({ store, health, sockets, watchedJobs }: MetricsDeps) {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read())
      },
    })
  gauge('searchlight_sockets', 'Sockets connected to this server', sockets)
  gauge('searchlight_watched_jobs', 'Jobs watched on this server', watchedJobs)
  const setter = (name: string, help: string) => new Gauge({ name, help, registers: [registry] })
  const redisUp = setter('searchlight_redis_up', '1 if Redis answers and takes writes')
  const postgresUp = setter('searchlight_postgres_up', '1 if PostgreSQL answers')
  const workers = setter('searchlight_workers', 'Worker processes that are alive')
  const lag = setter(
    'searchlight_archive_lag_seconds',
    'How long the longest-waiting ended job has waited for the archive',
  )
  const paused = setter('searchlight_paused_queues', 'Types of search that are paused')
  const jobs = new Gauge({
    name: 'searchlight_jobs',
    help: 'Jobs by state; ended states count all jobs ever, except deleted ones',
    labelNames: ['state'],
    registers: [registry],
  })

  return async () => {
    const now = await health()
    redisUp.set(Number(now.redisUp))
    postgresUp.set(Number(now.postgresUp))
    // Figures that are unknown are left out, rather than repeated.
    for (const each of [workers, lag, paused]) each.remove()
    jobs.reset()
    if (now.upkeep) {
      workers.set(now.upkeep.workers)
      lag.set(now.upkeep.archiveLagSeconds)
      paused.set(now.upkeep.paused.length)
      const counts = await countJobs(store)
      for (const state of jobStates) jobs.set({ state }, counts[state])
    }
    return { contentType: registry.contentType, text: await registry.metrics() }
  }
}
