import { setTimeout as delay } from 'node:timers/promises'
import type { Load } from './delivery-load.ts'
import type { Ground } from './ground.ts'
import type { Wire } from './viewer.ts'

export interface Schedule {
  /** 0 for never. */
  killServerAfterMs: number
  restartRedisAfterMs: number
}

const everyMs = { killSubscribers: 300, cutSockets: 150, pauseClients: 1_000, deafen: 4_000 }
const pausedMs = 3_000
const serverAwayMs = 1_000
/** Longer than a server waits for the answer to a subscription before it connects again. */
const unresponsiveMs = 3_000
const redisAwayMs = 500

/**
 * All that is done to the delivery while the load runs. When it is over and every client is back,
 * all subscribers are left deaf: no message and no reconnect tells of what ends from then on.
 * @param quiet resolves when no client is about to watch anything: a server would ask for another
 * channel, and find out by the missing answer that its subscriber is deaf.
 * @returns how often each was done
 */
export async function makeMischief(
  {
    ground,
    load,
    wires,
    running,
    quiet,
  }: {
    ground: Ground
    load: Load
    wires: readonly Wire[]
    running: AbortSignal
    quiet(): Promise<void>
  },
  schedule: Schedule,
) {
  const done = { kills: 0, cuts: 0, pauses: 0, deafened: 0, servers: 0, redis: 0 }
  const every = async (ms: number, deed: () => Promise<unknown> | unknown) => {
    while (await delay(ms, true, { signal: running }).catch(() => false)) await deed()
  }
  const after = async (ms: number, deed: () => Promise<void>) => {
    if (ms > 0 && (await delay(ms, true, { signal: running }).catch(() => false))) await deed()
  }
  const anyWire = () => wires[Math.floor(Math.random() * wires.length)]

  await Promise.all([
    every(everyMs.killSubscribers, async () => {
      const killed = await ground.redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub').catch(() => 0)
      done.kills += Number(killed)
    }),
    every(everyMs.cutSockets, () => {
      if (anyWire()?.cut()) done.cuts++
    }),
    every(everyMs.pauseClients, () => {
      for (let i = 0; i < 3; i++) void anyWire()?.pause(pausedMs)
      done.pauses += 3
    }),
    every(everyMs.deafen, () => {
      if (ground.proxy?.deafen()) done.deafened++
    }),
    after(schedule.killServerAfterMs, async () => {
      await ground.replaceServer(1, () => delay(serverAwayMs))
      done.servers++
    }),
    after(schedule.restartRedisAfterMs, async () => {
      await ground.killRedis()
      await delay(redisAwayMs)
      await ground.startRedis()
      done.redis++
      await load.endAgain()
    }),
  ])
  await delay(pausedMs)
  if (ground.proxy) done.deafened += await deafenAll(ground.proxy, ground.urls.length, quiet)
  return done
}

/**
 * Returns once every server has a subscriber and none of them has heard anything for a while, so
 * that none can be about to connect again.
 */
async function deafenAll(
  proxy: NonNullable<Ground['proxy']>,
  servers: number,
  quiet: () => Promise<void>,
): Promise<number> {
  let deafened = 0
  for (let unchangedMs = 0; unchangedMs < unresponsiveMs; unchangedMs += 50) {
    if (unchangedMs === 0) await quiet()
    await delay(50)
    if (proxy.subscribers() >= servers && proxy.hearing() === 0) continue
    unchangedMs = -50
    if (proxy.subscribers() < servers) continue
    while (proxy.deafen()) deafened++
  }
  return deafened
}
