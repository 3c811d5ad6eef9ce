import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { z } from 'zod'
import { eachRow, endEvent, hasEnd, rowsEvent } from './bench-event.ts'
import type { BenchEnvironment, Contender } from './contender.ts'
import { pace, within } from './pace.ts'
import { startServerProcess } from './server-process.ts'

export const scenario = { clients: 20, jobs: 10, events: 3_000, perSecond: 500, cutEveryMs: 300 }
const eventsPerJob = scenario.events / scenario.jobs
/** After this long without a message, no more will arrive. */
const quietMs = 6_000

/** Counts over all events and all clients. */
export interface Loss {
  missing: number
  doubled: number
  outOfOrder: number
  /** Ends of jobs that never reached a client. */
  endsMissing: number
  /** Resyncs that clients received in place of events. */
  resyncs: number
  cuts: number
  /** Polling only: the share of the jobs' positions that a client has seen. */
  positionsSeen: number | null
}

/**
 * Publishes events while the server's connections for receiving them are cut again and again, and
 * counts the events that reached the clients.
 */
export async function measureLoss(contender: Contender, env: BenchEnvironment): Promise<Loss> {
  const redis = new Redis(env.redis)
  await redis.flushall()
  const server = await startServerProcess(contender.server, env)
  const publisher = await contender.openPublisher(env)
  const jobIds: string[] = []
  for (let i = 0; i < scenario.jobs; i++) jobIds.push(await publisher.begin())
  const clients = Array.from({ length: scenario.clients }, () => receiver())
  const watchers = await Promise.all(
    clients.map(({ onText }) => contender.watch(server.url, jobIds, env, onText)),
  )

  const published = new AbortController()
  const cutting = cutListeners(redis, published.signal)
  const publish = (job: number, event: ReturnType<typeof rowsEvent>) =>
    publisher.publish(jobIds[job] ?? '', event)
  await pace(scenario.events, scenario.perSecond, (i) =>
    publish(i % scenario.jobs, rowsEvent(i % scenario.jobs, Math.floor(i / scenario.jobs))),
  )
  await pace(scenario.jobs, 10, (job) => publish(job, endEvent()))
  published.abort()
  const cuts = await cutting
  await within(60_000, () =>
    clients.every(
      (client) => client.complete() || performance.now() - client.lastTextAt() > quietMs,
    ),
  )

  const positions = watchers.flatMap((watcher) => watcher.positionsSeen?.() ?? [])
  for (const watcher of watchers) watcher.close()
  await publisher.close()
  await server.stop()
  redis.disconnect()
  const counts = clients.map((client) => client.count())
  const sum = (fact: keyof ReturnType<ReturnType<typeof receiver>['count']>) =>
    counts.reduce((total, count) => total + count[fact], 0)
  return {
    missing: sum('missing'),
    doubled: sum('doubled'),
    outOfOrder: sum('outOfOrder'),
    endsMissing: sum('endsMissing'),
    resyncs: sum('resyncs'),
    cuts,
    positionsSeen:
      positions.length > 0
        ? positions.reduce((all, one) => all + one, 0) / scenario.clients / scenario.events
        : null,
  }
}

const Resync = z.tuple([
  z.literal('resync'),
  z.object({ job: z.object({ rowCount: z.number(), search: z.string(), state: z.string() }) }),
])

/** Counts the events that one client received of each job. */
function receiver() {
  const timesReceived = Array.from({ length: scenario.jobs }, () => new Uint8Array(eventsPerJob))
  const last = new Int32Array(scenario.jobs).fill(-1)
  let ends = 0
  let outOfOrder = 0
  let resyncs = 0
  let lastTextAt = performance.now()

  function take(job: number, n: number): void {
    const counts = timesReceived[job]
    if (!counts) return
    counts[n] = (counts[n] ?? 0) + 1
    if (n < (last[job] ?? 0)) outOfOrder++
    last[job] = Math.max(n, last[job] ?? 0)
  }
  /** A real client would fetch the rows now, so count those that it lacks as received. */
  function resync(text: string): void {
    const [, { job }] = Resync.parse(JSON.parse(text.slice(2)))
    const number = Number(job.search.replace('search-', ''))
    resyncs++
    for (let n = 0; n < job.rowCount; n++) if (!timesReceived[number]?.[n]) take(number, n)
  }
  return {
    onText(text: string): void {
      lastTextAt = performance.now()
      if (text.startsWith('42["resync"')) resync(text)
      else eachRow(text, take)
      if (hasEnd(text)) ends += text.split('"state":"complete"').length - 1
    },
    lastTextAt: () => lastTextAt,
    complete: () =>
      ends === scenario.jobs && timesReceived.every((counts) => counts.every((count) => count > 0)),
    count: () => ({
      missing: timesReceived.reduce(
        (total, counts) => total + counts.filter((count) => count === 0).length,
        0,
      ),
      doubled: timesReceived.reduce(
        (total, counts) => total + counts.filter((count) => count > 1).length,
        0,
      ),
      outOfOrder,
      endsMissing: scenario.jobs - ends,
      resyncs,
    }),
  }
}

/** Kills the connections of subscribers, and those blocked in XREAD as QueueEvents are. */
async function cutListeners(redis: Redis, signal: AbortSignal): Promise<number> {
  let cuts = 0
  while (await delay(scenario.cutEveryMs, true, { signal }).catch(() => false)) {
    cuts += Number(await redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub'))
    const list = String(await redis.call('CLIENT', 'LIST'))
    for (const [, id] of list.matchAll(/^id=(\d+) .* cmd=xread /gm)) {
      if (id !== undefined) cuts += Number(await redis.call('CLIENT', 'KILL', 'ID', id))
    }
  }
  return cuts
}
