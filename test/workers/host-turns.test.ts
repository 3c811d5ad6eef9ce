import { Redis } from 'ioredis'
import { describe, expect, onTestFinished, test } from 'vitest'
import { withHostLease } from '#crawler/host-leases.ts'
import { redisUrl, uniquePrefix } from '#test/services.ts'
import { createHostTurns } from '#workers/host-turns.ts'

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
    turns: createHostTurns({ redis, namespace }),
    key: `${namespace}:host-turn:a.com:443`,
    namespace,
  }
}

const host = 'a.com:443'
const long = { leaseMs: 60_000, gapMs: 5_000 }
const { signal } = new AbortController()

describe('a turn', () => {
  test('goes to one, and the others learn when it can be free at the earliest', async () => {
    const { turns } = setUp()
    const answers = await Promise.all(
      ['a', 'b', 'c'].map((token) => turns.take({ host, token, ...long })),
    )
    expect(answers).toEqual([
      { granted: true },
      { granted: false, waitMs: 5_000 },
      { granted: false, waitMs: 5_000 },
    ])
  })

  test('at another host is another turn, also on another port', async () => {
    const { turns } = setUp()
    for (const each of ['a.com:443', 'a.com:80', 'b.com:443'])
      expect(await turns.take({ host: each, token: each, ...long })).toEqual({ granted: true })
  })

  test('that was granted and asked for again is granted again, as an answer may be lost', async () => {
    const { turns } = setUp()
    await turns.take({ host, token: 'a', ...long })
    expect(await turns.take({ host, token: 'a', ...long })).toEqual({ granted: true })
  })

  test('is followed by its pause, and whoever asks meanwhile learns what is left of it', async () => {
    const { turns, redis, key } = setUp()
    await turns.take({ host, token: 'a', ...long })
    await turns.end({ host, token: 'a', gapMs: 7_000 })
    const answer = await turns.take({ host, token: 'b', ...long })
    expect(answer).toEqual({ granted: false, waitMs: expect.any(Number) })
    expect('waitMs' in answer && answer.waitMs).toBeGreaterThan(6_000)
    expect(await redis.pttl(key)).toBeLessThanOrEqual(7_000)
  })

  test('without a pause leaves nothing behind', async () => {
    const { turns, redis, key } = setUp()
    await turns.take({ host, token: 'a', leaseMs: 60_000, gapMs: 0 })
    await turns.end({ host, token: 'a', gapMs: 0 })
    expect(await redis.exists(key)).toBe(0)
  })

  test('can be ended only by whoever has it', async () => {
    const { turns } = setUp()
    await turns.take({ host, token: 'a', ...long })
    await turns.end({ host, token: 'b', gapMs: 0 })
    expect(await turns.take({ host, token: 'b', ...long })).toMatchObject({ granted: false })
  })

  test('of a worker that was killed runs out by itself', async () => {
    const { turns, redis, key } = setUp()
    await turns.take({ host, token: 'killed', leaseMs: 30, gapMs: 10 })
    expect(await redis.pttl(key)).toBeLessThanOrEqual(30)
    // Asks whenever it is told to, as every worker does.
    expect(
      await withHostLease(turns, { host, maxTaskMs: 1_000, gapMs: 0, signal }, async () => ({
        result: 'served',
        gapMs: 0,
      })),
    ).toBe('served')
  })

  test('that fails is ended all the same', async () => {
    const { turns, redis, key } = setUp()
    const failing = withHostLease(turns, { host, maxTaskMs: 1_000, gapMs: 0, signal }, () =>
      Promise.reject(new Error('broken')),
    )
    await expect(failing).rejects.toThrow('broken')
    expect(await redis.exists(key)).toBe(0)
  })

  test('is no longer waited for after an abort', async () => {
    const { turns } = setUp()
    await turns.take({ host, token: 'a', ...long })
    const stop = new AbortController()
    const waiting = withHostLease(
      turns,
      { host, maxTaskMs: 1_000, gapMs: 0, signal: stop.signal },
      async () => ({
        result: 1,
        gapMs: 0,
      }),
    )
    const began = performance.now()
    stop.abort(new Error('cancelled'))
    await expect(waiting).rejects.toThrow('cancelled')
    expect(performance.now() - began).toBeLessThan(100)
  })
})

test('several connections never have turns at one host at once, and the pause lies between any two', async () => {
  const { namespace } = setUp()
  const spans: { from: number; to: number }[] = []
  const gapMs = 25
  const workers = Array.from({ length: 3 }, () => createHostTurns({ redis: connect(), namespace }))
  await Promise.all(
    workers.flatMap((turns) =>
      Array.from({ length: 2 }, async () => {
        for (let i = 0; i < 3; i++)
          await withHostLease(turns, { host, maxTaskMs: 5_000, gapMs, signal }, async () => {
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
  // Redis counts whole milliseconds.
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(gapMs - 1)
})
