import { readFileSync } from 'node:fs'
import type { Redis } from 'ioredis'
import { z } from 'zod'
import type { HostLeases } from '#crawler/host-leases.ts'
import { runScript, script } from '#jobs/redis/scripts.ts'

const hostTurn = script(readFileSync(new URL('./scripts/host-turn.lua', import.meta.url), 'utf8'))
const WaitMs = z.number().nonnegative().nullable()

/**
 * The turns of all workers that share this Redis.
 * @param place.namespace what all keys begin with
 */
export function createHostTurns({
  redis,
  namespace,
}: {
  redis: Redis
  namespace: string
}): HostLeases {
  const key = (host: string) => `${namespace}:host-turn:${host}`
  const whole = (ms: number) => Math.ceil(ms)
  return {
    async take({ host, token, leaseMs, gapMs }) {
      const answer = await runScript(
        redis,
        hostTurn,
        [key(host)],
        ['take', token, whole(gapMs), whole(leaseMs)],
      )
      const waitMs = WaitMs.parse(answer)
      return waitMs === null ? { granted: true } : { granted: false, waitMs }
    },
    async end({ host, token, gapMs }) {
      await runScript(redis, hostTurn, [key(host)], ['end', token, whole(gapMs)])
    },
  }
}
