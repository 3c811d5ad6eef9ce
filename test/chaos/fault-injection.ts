import { setTimeout as delay } from 'node:timers/promises'
import type { ChaosEnvironment } from './chaos-environment.ts'
import type { Load } from './delivery-load.ts'
import type { ClientConnection } from './viewer.ts'

export interface Schedule {
  /** 0 for never. */
  killServerAfterMs: number
  restartRedisAfterMs: number
}

const everyMs = {
  killSubscribers: 300,
  cutSockets: 150,
  pauseClients: 1_000,
  makeUnresponsive: 4_000,
}
const pauseMs = 3_000
const serverDownMs = 1_000
/** Longer than a server waits for a subscription to be acknowledged before it reconnects. */
const stableMs = 3_000
const redisDownMs = 500

/**
 * Injects faults into the delivery until the signal aborts. Then, once every client is back, leaves
 * all subscribers unresponsive: neither a message nor a reconnect announces later endings.
 * @param allWatching resolves when no client is about to watch a job. A new watch subscribes to
 * another channel, and the missing acknowledgement makes the server replace its subscriber.
 * @returns the number of faults of each kind
 */
export async function injectFaults(
  {
    environment,
    load,
    connections,
    signal,
    allWatching,
  }: {
    environment: ChaosEnvironment
    load: Load
    connections: readonly ClientConnection[]
    signal: AbortSignal
    allWatching(): Promise<void>
  },
  schedule: Schedule,
) {
  const counts = { kills: 0, cuts: 0, pauses: 0, unresponsive: 0, servers: 0, redis: 0 }
  const every = async (ms: number, inject: () => Promise<unknown> | unknown) => {
    while (await delay(ms, true, { signal }).catch(() => false)) await inject()
  }
  const after = async (ms: number, inject: () => Promise<void>) => {
    if (ms > 0 && (await delay(ms, true, { signal }).catch(() => false))) await inject()
  }
  const randomConnection = () => connections[Math.floor(Math.random() * connections.length)]

  await Promise.all([
    every(everyMs.killSubscribers, async () => {
      const killed = await environment.redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub').catch(() => 0)
      counts.kills += Number(killed)
    }),
    every(everyMs.cutSockets, () => {
      if (randomConnection()?.cut()) counts.cuts++
    }),
    every(everyMs.pauseClients, () => {
      for (let i = 0; i < 3; i++) void randomConnection()?.pause(pauseMs)
      counts.pauses += 3
    }),
    every(everyMs.makeUnresponsive, () => {
      if (environment.proxy?.makeUnresponsive()) counts.unresponsive++
    }),
    after(schedule.killServerAfterMs, async () => {
      await environment.replaceServer(1, () => delay(serverDownMs))
      counts.servers++
    }),
    after(schedule.restartRedisAfterMs, async () => {
      await environment.killRedis()
      await delay(redisDownMs)
      await environment.startRedis()
      counts.redis++
      await load.endAgain()
    }),
  ])
  await delay(pauseMs)
  if (environment.proxy)
    counts.unresponsive += await makeAllUnresponsive(
      environment.proxy,
      environment.urls.length,
      allWatching,
    )
  return counts
}

/**
 * Makes all subscribers unresponsive. Resolves once every server has a subscriber and all of them
 * have been unresponsive for `stableMs`, so that no server is about to reconnect.
 * @returns how many connections it made unresponsive
 */
async function makeAllUnresponsive(
  proxy: NonNullable<ChaosEnvironment['proxy']>,
  servers: number,
  allWatching: () => Promise<void>,
): Promise<number> {
  let unresponsive = 0
  for (let unchangedMs = 0; unchangedMs < stableMs; unchangedMs += 50) {
    if (unchangedMs === 0) await allWatching()
    await delay(50)
    if (proxy.subscribers() >= servers && proxy.responsiveSubscribers() === 0) continue
    unchangedMs = -50
    if (proxy.subscribers() < servers) continue
    while (proxy.makeUnresponsive()) unresponsive++
  }
  return unresponsive
}
