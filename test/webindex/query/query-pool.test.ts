import { setTimeout as after } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { NotEnoughMemory } from '#webindex/errors.ts'
import { openQueryPool } from '#webindex/query/query-pool.ts'
import { createTurns } from '#webindex/query/slots.ts'

const { signal } = new AbortController()
const Count = z.object({ n: z.number() })
/** Takes about 40 bytes of memory for each of the numbers. */
const different = 'SELECT count(DISTINCT i)::DOUBLE AS n FROM range($most) t(i)'
const endless =
  'SELECT count(*)::DOUBLE AS n FROM range(1000000) a, range(1000000) b WHERE hash(a.range + b.range) = 1'

async function pool(limits: { memoryLimitMb: number; threads: number }) {
  const queries = await openQueryPool(limits)
  onTestFinished(() => queries.close())
  return queries
}

test('eight queries at once, of which hardly two fit into memory, all get their answers', async () => {
  const queries = await pool({ memoryLimitMb: 32, threads: 8 })
  const most = 500_000
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => queries.rows(Count, different, { most }, signal)),
  )
  expect(answers).toEqual(answers.map(() => [{ n: most }]))
})

test('a query that is too large for all of the memory says so, and the others go on', async () => {
  const queries = await pool({ memoryLimitMb: 32, threads: 2 })
  const large = queries.rows(Count, different, { most: 5_000_000 }, signal)
  const small = Array.from({ length: 20 }, () =>
    queries.rows(Count, different, { most: 10_000 }, new AbortController().signal),
  )
  await expect(large).rejects.toThrow(NotEnoughMemory)
  await expect(large).rejects.toThrow('32 MB')
  expect(await Promise.all(small)).toEqual(small.map(() => [{ n: 10_000 }]))
})

test('an abort is heard at once by the query that runs and by the one that waits, and their places are free again', async () => {
  const queries = await pool({ memoryLimitMb: 64, threads: 1 })
  const stop = new AbortController()
  const running = queries.rows(Count, endless, {}, stop.signal)
  const waiting = queries.rows(Count, endless, {}, stop.signal)
  const behind = queries.rows(Count, different, { most: 10 }, signal)
  await after(50)
  stop.abort(new Error('cancelled'))
  const ended = await Promise.allSettled([running, waiting])
  expect(ended).toEqual(ended.map(() => ({ status: 'rejected', reason: stop.signal.reason })))
  expect(await behind).toEqual([{ n: 10 }])
})

test('a large answer is read without holding up the process', async () => {
  const queries = await pool({ memoryLimitMb: 256, threads: 1 })
  let beats = 0
  let reading = true
  const beat = () => {
    beats++
    if (reading) setImmediate(beat)
  }
  beat()
  const rows = await queries.rows(Count, 'SELECT range::DOUBLE AS n FROM range(200000)', {}, signal)
  reading = false
  expect(rows).toHaveLength(200_000)
  expect(beats).toBeGreaterThan(200_000 / 2048)
})

test('who wants all places waits for them, and who comes later does not overtake', async () => {
  const turns = createTurns(['a', 'b'])
  const order: string[] = []
  let open = () => {}
  const gate = new Promise<void>((resolve) => {
    open = resolve
  })
  const first = turns.take(1, () => gate, signal)
  const all = turns.take(
    2,
    async (places) => order.push(`all of ${places.toSorted().join()}`),
    signal,
  )
  const later = turns.take(1, async () => order.push('later'), signal)
  const gone = new AbortController()
  const left = turns.take(2, async () => order.push('never'), gone.signal)
  gone.abort(new Error('left'))
  await expect(left).rejects.toThrow('left')
  expect(order).toEqual([])
  open()
  await Promise.all([first, all, later])
  expect(order).toEqual(['all of a,b', 'later'])
})
