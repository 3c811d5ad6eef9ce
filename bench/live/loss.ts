import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { z } from 'zod'
import { eachRow, endEvent, rowsEvent, tellsTheEnd } from './bench-event.ts'
import type { Contender, Ground } from './contender.ts'
import { pace, within } from './pace.ts'
import { startServerProcess } from './server-process.ts'

export const ordeal = { clients: 20, jobs: 10, events: 3_000, perSecond: 500, cutEveryMs: 300 }
const eventsPerJob = ordeal.events / ordeal.jobs
/** Nothing has come for so long: nothing will. */
const quietMs = 6_000

/** Of all events for all clients. */
export interface Loss {
  missing: number
  doubled: number
  outOfOrder: number
  /** Ends of jobs that a client never learned of. */
  endsMissing: number
  /** Times that a client was told to read the job as a whole instead. */
  resyncs: number
  cuts: number
  /** For those who look now and then: part of the moments of the jobs that a client has seen. */
  momentsSeen: number | null
}

/**
 * Publishes while the connections by which the server hears of events are cut again and again, and
 * counts what clients got.
 */
export async function measureLoss(contender: Contender, ground: Ground): Promise<Loss> {
  const redis = new Redis(ground.redis)
  await redis.flushall()
  const server = await startServerProcess(contender.server, ground)
  const publisher = await contender.openPublisher(ground)
  const jobIds: string[] = []
  for (let i = 0; i < ordeal.jobs; i++) jobIds.push(await publisher.begin())
  const clients = Array.from({ length: ordeal.clients }, () => receiver())
  const watchers = await Promise.all(
    clients.map(({ heard }) => contender.watch(server.url, jobIds, ground, heard)),
  )

  const over = new AbortController()
  const cutting = cutListeners(redis, over.signal)
  const publish = (job: number, event: ReturnType<typeof rowsEvent>) =>
    publisher.publish(jobIds[job] ?? '', event)
  await pace(ordeal.events, ordeal.perSecond, (i) =>
    publish(i % ordeal.jobs, rowsEvent(i % ordeal.jobs, Math.floor(i / ordeal.jobs))),
  )
  await pace(ordeal.jobs, 10, (job) => publish(job, endEvent()))
  over.abort()
  const cuts = await cutting
  await within(60_000, () =>
    clients.every((client) => client.whole() || performance.now() - client.lastHeard() > quietMs),
  )

  const moments = watchers.flatMap((watcher) => watcher.momentsSeen?.() ?? [])
  for (const watcher of watchers) watcher.close()
  await publisher.close()
  await server.stop()
  redis.disconnect()
  const total = clients.map((client) => client.count())
  const sum = (fact: keyof ReturnType<ReturnType<typeof receiver>['count']>) =>
    total.reduce((all, one) => all + one[fact], 0)
  return {
    missing: sum('missing'),
    doubled: sum('doubled'),
    outOfOrder: sum('outOfOrder'),
    endsMissing: sum('endsMissing'),
    resyncs: sum('resyncs'),
    cuts,
    momentsSeen:
      moments.length > 0
        ? moments.reduce((all, one) => all + one, 0) / ordeal.clients / ordeal.events
        : null,
  }
}

const Resync = z.tuple([
  z.literal('resync'),
  z.object({ job: z.object({ rowCount: z.number(), search: z.string(), state: z.string() }) }),
])

/** What one client got of all jobs. */
function receiver() {
  const times = Array.from({ length: ordeal.jobs }, () => new Uint8Array(eventsPerJob))
  const last = new Int32Array(ordeal.jobs).fill(-1)
  let ends = 0
  let outOfOrder = 0
  let resyncs = 0
  let lastHeard = performance.now()

  function take(job: number, n: number): void {
    const counts = times[job]
    if (!counts) return
    counts[n] = (counts[n] ?? 0) + 1
    if (n < (last[job] ?? 0)) outOfOrder++
    last[job] = Math.max(n, last[job] ?? 0)
  }
  /** The client would read the rows as they are now: those that it has not got count as got. */
  function readAgain(text: string): void {
    const [, { job }] = Resync.parse(JSON.parse(text.slice(2)))
    const number = Number(job.search.replace('search-', ''))
    resyncs++
    for (let n = 0; n < job.rowCount; n++) if (!times[number]?.[n]) take(number, n)
  }
  return {
    heard(text: string): void {
      lastHeard = performance.now()
      if (text.startsWith('42["resync"')) readAgain(text)
      else eachRow(text, take)
      if (tellsTheEnd(text)) ends += text.split('"state":"complete"').length - 1
    },
    lastHeard: () => lastHeard,
    whole: () =>
      ends === ordeal.jobs && times.every((counts) => counts.every((count) => count > 0)),
    count: () => ({
      missing: times.reduce((all, counts) => all + counts.filter((count) => count === 0).length, 0),
      doubled: times.reduce((all, counts) => all + counts.filter((count) => count > 1).length, 0),
      outOfOrder,
      endsMissing: ordeal.jobs - ends,
      resyncs,
    }),
  }
}

/** Cuts subscribers, and those that wait in XREAD as QueueEvents do. */
async function cutListeners(redis: Redis, signal: AbortSignal): Promise<number> {
  let cuts = 0
  while (await delay(ordeal.cutEveryMs, true, { signal }).catch(() => false)) {
    cuts += Number(await redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub'))
    const list = String(await redis.call('CLIENT', 'LIST'))
    for (const [, id] of list.matchAll(/^id=(\d+) .* cmd=xread /gm)) {
      if (id !== undefined) cuts += Number(await redis.call('CLIENT', 'KILL', 'ID', id))
    }
  }
  return cuts
}
