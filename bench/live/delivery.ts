import { Redis } from 'ioredis'
import { manyTimes } from '../measure.ts'
import { eachRow, rowsEvent } from './bench-event.ts'
import type { Contender, Ground, Publisher, Watcher } from './contender.ts'
import { pace, within } from './pace.ts'
import { type ServerProcess, startServerProcess } from './server-process.ts'

/** How many clients watch one job, and what is published meanwhile. */
export interface Load {
  clients: number
  perSecond: number
  /**
   * Events before anything is measured: as many as it takes to have the code of all contenders
   * compiled.
   */
  warmUp: number
  warmUpPerSecond: number
  events: number
}
/** Rates at which none of the contenders is short of processor time. */
export const loads = {
  one: { clients: 1, perSecond: 50, warmUp: 1_000, warmUpPerSecond: 500, events: 250 },
  many: { clients: 500, perSecond: 20, warmUp: 40, warmUpPerSecond: 20, events: 100 },
} satisfies Record<string, Load>

export interface Delivery {
  /** ms from before the publishing call until a client has the event. */
  p50: number
  p99: number
  /** µs of the server process per event and client. */
  serverUs: number
  /** µs of Redis per event. */
  redisUs: number
}

/** Both loads, one after the other, on a fresh server and an empty Redis. */
export async function measureDelivery(
  contender: Contender,
  ground: Ground,
): Promise<Record<keyof typeof loads, Delivery>> {
  const redis = new Redis(ground.redis)
  await redis.flushall()
  const server = await startServerProcess(contender.server, ground)
  const publisher = await contender.openPublisher(ground)
  try {
    const side = { contender, ground, server, publisher, redis }
    return { one: await deliver(loads.one, side), many: await deliver(loads.many, side) }
  } finally {
    await publisher.close()
    await server.stop()
    redis.disconnect()
  }
}

interface Side {
  contender: Contender
  ground: Ground
  server: ServerProcess
  publisher: Publisher
  redis: Redis
}

async function deliver(
  { clients, perSecond, warmUp, warmUpPerSecond, events }: Load,
  side: Side,
): Promise<Delivery> {
  const { contender, ground, server, publisher, redis } = side
  const jobId = await publisher.begin()
  const latencies: number[] = []
  let warmed = 0
  const heard = (text: string) => {
    const now = performance.now()
    eachRow(text, (_job, n, sent) => {
      if (n >= warmUp) latencies.push(now - sent)
      else if (n === warmUp - 1) warmed++
    })
  }
  const watchers: Watcher[] = []
  await manyTimes(clients, 50, async () =>
    watchers.push(await contender.watch(server.url, [jobId], ground, heard)),
  )

  const publish = (n: number) => publisher.publish(jobId, rowsEvent(0, n))
  await pace(warmUp, warmUpPerSecond, publish)
  if (!(await within(10_000, () => warmed === clients)))
    throw new Error(`${contender.name}: ${warmed} of ${clients} clients heard`)
  const before = { server: await server.ask('cpu'), redis: await redisCpu(redis) }
  await pace(events, perSecond, (i) => publish(warmUp + i))
  const expected = events * clients
  if (!(await within(10_000, () => latencies.length === expected)))
    throw new Error(`${contender.name}: ${latencies.length} of ${expected} events came`)
  const used = {
    server: (await server.ask('cpu')) - before.server,
    redis: (await redisCpu(redis)) - before.redis,
  }

  for (const watcher of watchers) watcher.close()
  latencies.sort((a, b) => a - b)
  const quantile = (part: number) => latencies[Math.floor(latencies.length * part)] ?? Number.NaN
  return {
    p50: quantile(0.5),
    p99: quantile(0.99),
    serverUs: used.server / expected,
    redisUs: used.redis / events,
  }
}

/** µs of processor time, user and system. */
async function redisCpu(redis: Redis): Promise<number> {
  const found = [...(await redis.info('cpu')).matchAll(/^used_cpu_(?:user|sys):([\d.]+)/gm)]
  return found.reduce((sum, [, seconds]) => sum + Number(seconds) * 1e6, 0)
}
