import { readFileSync } from 'node:fs'
import type { Redis } from 'ioredis'
import { z } from 'zod'
import type { HostLeases } from '#crawler/host-leases.ts'
import { runScript, script } from '#jobs/redis/scripts.ts'

const hostLease = script(readFileSync(new URL('./scripts/host-lease.lua', import.meta.url), 'utf8'))
const WaitMs = z.number().nonnegative().nullable()

export interface HostLeasesDeps {
  redis: Redis
  /** Prefix of all keys. */
  namespace: string
}

/** The leases of hosts, shared by all workers on this Redis. */
export function createHostLeases({ redis, namespace }: HostLeasesDeps): HostLeases {
  const key = (host: string) => `${namespace}:host-turn:${host}`
  const whole = (ms: number) => Math.ceil(ms)
  return {
    async take({ host, token, leaseMs, gapMs }) {
      const answer = await runScript(
        redis,
        hostLease,
        [key(host)],
        ['take', token, whole(gapMs), whole(leaseMs)],
      )
      const waitMs = WaitMs.parse(answer)
      return waitMs === null ? { granted: true } : { granted: false, waitMs }
    },
    async end({ host, token, gapMs }) {
      await runScript(redis, hostLease, [key(host)], ['end', token, whole(gapMs)])
    },
  }
}
