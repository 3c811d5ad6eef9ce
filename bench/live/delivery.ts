import { Redis } from 'ioredis'
import { manyTimes } from '../measure.ts'
import { eachRow, rowsEvent } from './bench-event.ts'
import type { BenchEnvironment, Contender, Publisher, Watcher } from './contender.ts'
import { pace, within } from './pace.ts'
import { type ServerProcess, startServerProcess } from './server-process.ts'

/** The number of clients that watch one job, and the events published to them. */
export interface Load {
  clients: number
  perSecond: number
  /** Events before measuring: enough for the code of all contenders to be compiled. */
  warmUp: number
  warmUpPerSecond: number
  events: number
}
/** Rates at which no contender runs short of processor time. */
export const loads = {
  one: { clients: 1, perSecond: 50, warmUp: 1_000, warmUpPerSecond: 500, events: 250 },
  many: { clients: 500, perSecond: 20, warmUp: 40, warmUpPerSecond: 20, events: 100 },
} satisfies Record<string, Load>

export interface Delivery {
  /** ms from the call that publishes an event until a client has it. */
  p50: number
  p99: number
  /** µs of the server process per event and client. */
  serverUs: number
  /** µs of Redis per event. */
  redisUs: number
}

/** Measures both loads, one after the other, on a new server and an empty Redis. */
export async function measureDelivery(
  contender: Contender,
  env: BenchEnvironment,
): Promise<Record<keyof typeof loads, Delivery>> {
  const redis = new Redis(env.redis)
  await redis.flushall()
  const server = await startServerProcess(contender.server, env)
  const publisher = await contender.openPublisher(env)
  try {
    const deps = { contender, env, server, publisher, redis }
    return { one: await deliver(loads.one, deps), many: await deliver(loads.many, deps) }
  } finally {
    await publisher.close()
    await server.stop()
    redis.disconnect()
  }
}

interface DeliveryDeps {
  contender: Contender
  env: BenchEnvironment
  server: ServerProcess
  publisher: Publisher
  redis: Redis
}

async function deliver(
  { clients, perSecond, warmUp, warmUpPerSecond, events }: Load,
  deps: DeliveryDeps,
): Promise<Delivery> {
  const { contender, env, server, publisher, redis } = deps
  const jobId = await publisher.begin()
  const latencies: number[] = []
  let warmedUp = 0
  const onText = (text: string) => {
    const now = performance.now()
    eachRow(text, (_job, n, sent) => {
      if (n >= warmUp) latencies.push(now - sent)
      else if (n === warmUp - 1) warmedUp++
    })
  }
  const watchers: Watcher[] = []
  await manyTimes(clients, 50, async () =>
    watchers.push(await contender.watch(server.url, [jobId], env, onText)),
  )

  const publish = (n: number) => publisher.publish(jobId, rowsEvent(0, n))
  await pace(warmUp, warmUpPerSecond, publish)
  if (!(await within(10_000, () => warmedUp === clients)))
    throw new Error(`${contender.name}: ${warmedUp} of ${clients} clients received the warm-up`)
  const before = { server: await server.measure('cpu'), redis: await redisCpu(redis) }
  await pace(events, perSecond, (i) => publish(warmUp + i))
  const expected = events * clients
  if (!(await within(10_000, () => latencies.length === expected)))
    throw new Error(`${contender.name}: ${latencies.length} of ${expected} events arrived`)
  const used = {
    server: (await server.measure('cpu')) - before.server,
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
