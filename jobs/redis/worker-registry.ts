import { WorkerFacts, type WorkerProcess } from '../worker-process.ts'
import { keys } from './keys.ts'
import { answersOf } from './pipeline.ts'
import { plainScript, runScript } from './scripts.ts'
import type { JobStore } from './store.ts'

const heartbeatScript = plainScript('heartbeat')

/** How often a worker reports. */
export const heartbeatMs = 5_000
/** A worker that has been silent for longer counts as gone: it is killed, frozen or cut off. */
const goneAfterMs = 20_000

/** Reports that a worker is alive and what it does. */
export async function reportWorker(facts: WorkerFacts, store: JobStore): Promise<void> {
  await runScript(
    store.redis,
    heartbeatScript,
    [keys.workers(store)],
    [facts.name, JSON.stringify(facts), goneAfterMs],
  )
}

/** Takes a worker that ends out of the registry. */
export async function removeWorker(name: string, store: JobStore): Promise<void> {
  const key = keys.workers(store)
  await answersOf(store.redis.pipeline().hdel(key, name).publish(key, ''))
}

/** The worker processes that are alive, by name. */
export async function readWorkers(store: JobStore): Promise<WorkerProcess[]> {
  const [time, entries] = await answersOf(
    store.redis.pipeline().time().hgetall(keys.workers(store)),
  )
  const [seconds, microseconds] = Array.isArray(time) ? time.map(Number) : []
  const now = (seconds ?? 0) * 1_000 + (microseconds ?? 0) / 1_000
  return Object.values(entries as Record<string, string>)
    .map((entry) => {
      const bar = entry.indexOf('|')
      const seenAt = Number(entry.slice(0, bar))
      return { seenAt, facts: WorkerFacts.parse(JSON.parse(entry.slice(bar + 1))) }
    })
    .filter(({ seenAt }) => seenAt > now - goneAfterMs)
    .map(({ seenAt, facts }) => ({ ...facts, seenAt: new Date(seenAt).toISOString() }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}
