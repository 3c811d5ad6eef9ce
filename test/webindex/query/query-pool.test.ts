import { setTimeout as after } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { NotEnoughMemory } from '#webindex/errors.ts'
import { openQueryPool } from '#webindex/query/query-pool.ts'
import { createSlots } from '#webindex/query/slots.ts'

const { signal } = new AbortController()
const Count = z.object({ n: z.number() })
/** Takes about 40 bytes of memory for each number. */
const distinct = 'SELECT count(DISTINCT i)::DOUBLE AS n FROM range($limit) t(i)'
const endless =
  'SELECT count(*)::DOUBLE AS n FROM range(1000000) a, range(1000000) b WHERE hash(a.range + b.range) = 1'

async function pool(limits: { memoryLimitMb: number; threads: number }) {
  const queries = await openQueryPool(limits)
  onTestFinished(() => queries.close())
  return queries
}

test('eight concurrent queries all succeed although hardly two fit into memory', async () => {
  const queries = await pool({ memoryLimitMb: 32, threads: 8 })
  const limit = 500_000
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => queries.rows(Count, distinct, { limit }, signal)),
  )
  expect(answers).toEqual(answers.map(() => [{ n: limit }]))
})

test('a query too large for all of the memory fails; the others go on', async () => {
  const queries = await pool({ memoryLimitMb: 32, threads: 2 })
  const large = queries.rows(Count, distinct, { limit: 5_000_000 }, signal)
  const small = Array.from({ length: 20 }, () =>
    queries.rows(Count, distinct, { limit: 10_000 }, new AbortController().signal),
  )
  await expect(large).rejects.toThrow(NotEnoughMemory)
  await expect(large).rejects.toThrow('32 MB')
  expect(await Promise.all(small)).toEqual(small.map(() => [{ n: 10_000 }]))
})

test('an abort ends a running and a waiting query at once and frees their slots', async () => {
  const queries = await pool({ memoryLimitMb: 64, threads: 1 })
  const stop = new AbortController()
  const running = queries.rows(Count, endless, {}, stop.signal)
  const waiting = queries.rows(Count, endless, {}, stop.signal)
  const behind = queries.rows(Count, distinct, { limit: 10 }, signal)
  await after(50)
  stop.abort(new Error('cancelled'))
  const ended = await Promise.allSettled([running, waiting])
  expect(ended).toEqual(ended.map(() => ({ status: 'rejected', reason: stop.signal.reason })))
  expect(await behind).toEqual([{ n: 10 }])
})

test('reading a large result does not block the event loop', async () => {
  const queries = await pool({ memoryLimitMb: 256, threads: 1 })
  let ticks = 0
  let reading = true
  const tick = () => {
    ticks++
    if (reading) setImmediate(tick)
  }
  tick()
  const rows = await queries.rows(Count, 'SELECT range::DOUBLE AS n FROM range(200000)', {}, signal)
  reading = false
  expect(rows).toHaveLength(200_000)
  expect(ticks).toBeGreaterThan(200_000 / 2048)
})

test('a request for all slots waits for them and is not overtaken', async () => {
  const slots = createSlots(['a', 'b'])
  const order: string[] = []
  let release = () => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  const first = slots.use(1, () => released, signal)
  const all = slots.use(
    2,
    async (acquired) => order.push(`all of ${acquired.toSorted().join()}`),
    signal,
  )
  const later = slots.use(1, async () => order.push('later'), signal)
  const stop = new AbortController()
  const aborted = slots.use(2, async () => order.push('never'), stop.signal)
  stop.abort(new Error('aborted'))
  await expect(aborted).rejects.toThrow('aborted')
  expect(order).toEqual([])
  release()
  await Promise.all([first, all, later])
  expect(order).toEqual(['all of a,b', 'later'])
})
