import { Redis } from 'ioredis'
import { describe, expect, onTestFinished, test } from 'vitest'
import { withHostLease } from '#crawler/host-leases.ts'
import { redisUrl, uniquePrefix } from '#test/services.ts'
import { createHostLeases } from '#workers/host-leases.ts'

function connect(): Redis {
  const redis = new Redis(redisUrl())
  onTestFinished(() => redis.disconnect())
  return redis
}

function setUp() {
  const redis = connect()
  const namespace = uniquePrefix()
  return {
    redis,
    leases: createHostLeases({ redis, namespace }),
    key: `${namespace}:host-turn:a.com:443`,
    namespace,
  }
}

const host = 'a.com:443'
const long = { leaseMs: 60_000, gapMs: 5_000 }
const { signal } = new AbortController()

describe('a host lease', () => {
  test('goes to one caller, and the others learn when the host may be free', async () => {
    const { leases } = setUp()
    const answers = await Promise.all(
      ['a', 'b', 'c'].map((token) => leases.take({ host, token, ...long })),
    )
    expect(answers).toEqual([
      { granted: true },
      { granted: false, waitMs: 5_000 },
      { granted: false, waitMs: 5_000 },
    ])
  })

  test('covers one host and port', async () => {
    const { leases } = setUp()
    for (const each of ['a.com:443', 'a.com:80', 'b.com:443'])
      expect(await leases.take({ host: each, token: each, ...long })).toEqual({ granted: true })
  })

  test('is granted again to its holder, because an answer may get lost', async () => {
    const { leases } = setUp()
    await leases.take({ host, token: 'a', ...long })
    expect(await leases.take({ host, token: 'a', ...long })).toEqual({ granted: true })
  })

  test('is followed by its pause, and callers learn what remains of it', async () => {
    const { leases, redis, key } = setUp()
    await leases.take({ host, token: 'a', ...long })
    await leases.end({ host, token: 'a', gapMs: 7_000 })
    const answer = await leases.take({ host, token: 'b', ...long })
    expect(answer).toEqual({ granted: false, waitMs: expect.any(Number) })
    expect('waitMs' in answer && answer.waitMs).toBeGreaterThan(6_000)
    expect(await redis.pttl(key)).toBeLessThanOrEqual(7_000)
  })

  test('without a pause leaves no key', async () => {
    const { leases, redis, key } = setUp()
    await leases.take({ host, token: 'a', leaseMs: 60_000, gapMs: 0 })
    await leases.end({ host, token: 'a', gapMs: 0 })
    expect(await redis.exists(key)).toBe(0)
  })

  test('can be ended only by its holder', async () => {
    const { leases } = setUp()
    await leases.take({ host, token: 'a', ...long })
    await leases.end({ host, token: 'b', gapMs: 0 })
    expect(await leases.take({ host, token: 'b', ...long })).toMatchObject({ granted: false })
  })

  test('expires if its worker was killed', async () => {
    const { leases, redis, key } = setUp()
    await leases.take({ host, token: 'killed', leaseMs: 30, gapMs: 10 })
    expect(await redis.pttl(key)).toBeLessThanOrEqual(30)
    // A worker asks again after the wait that it was given.
    expect(
      await withHostLease(leases, { host, maxTaskMs: 1_000, gapMs: 0, signal }, async () => ({
        result: 'served',
        gapMs: 0,
      })),
    ).toBe('served')
  })

  test('ends when the request fails', async () => {
    const { leases, redis, key } = setUp()
    const failing = withHostLease(leases, { host, maxTaskMs: 1_000, gapMs: 0, signal }, () =>
      Promise.reject(new Error('broken')),
    )
    await expect(failing).rejects.toThrow('broken')
    expect(await redis.exists(key)).toBe(0)
  })

  test('stops being waited for on abort', async () => {
    const { leases } = setUp()
    await leases.take({ host, token: 'a', ...long })
    const controller = new AbortController()
    const waiting = withHostLease(
      leases,
      { host, maxTaskMs: 1_000, gapMs: 0, signal: controller.signal },
      async () => ({
        result: 1,
        gapMs: 0,
      }),
    )
    const abortedAt = performance.now()
    controller.abort(new Error('cancelled'))
    await expect(waiting).rejects.toThrow('cancelled')
    expect(performance.now() - abortedAt).toBeLessThan(100)
  })
})

test('a host has one lease at a time over all connections, and pauses in between', async () => {
  const { namespace } = setUp()
  const spans: { from: number; to: number }[] = []
  const gapMs = 25
  const workers = Array.from({ length: 3 }, () => createHostLeases({ redis: connect(), namespace }))
  await Promise.all(
    workers.flatMap((leases) =>
      Array.from({ length: 2 }, async () => {
        for (let i = 0; i < 3; i++)
          await withHostLease(leases, { host, maxTaskMs: 5_000, gapMs, signal }, async () => {
            const from = performance.now()
            await new Promise(setImmediate)
            spans.push({ from, to: performance.now() })
            return { result: null, gapMs }
          })
      }),
    ),
  )
  expect(spans).toHaveLength(18)
  const inOrder = spans.toSorted((a, b) => a.from - b.from)
  const gaps = inOrder.slice(1).map(({ from }, i) => from - (inOrder[i]?.to ?? Number.NaN))
  // Redis expires keys in whole milliseconds.
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(gapMs - 1)
})
