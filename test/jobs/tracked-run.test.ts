import { describe, expect, test } from 'vitest'
import { SearchFailed, WriteRefused } from '#jobs/errors.ts'
import type { RunWrite } from '#jobs/run-write.ts'
import { runLimits, TrackedRun } from '#jobs/tracked-run.ts'

/** A run whose writes go to the test; `answer` may fail them. */
function openRun(answer: (write: RunWrite) => Promise<void> = async () => {}) {
  const writes: RunWrite[] = []
  let refused = 0
  const run = new TrackedRun(1, {
    write: (write) => {
      writes.push(write)
      return answer(write)
    },
    onRefused: () => refused++,
    signal: new AbortController().signal,
  })
  const rowsWritten = () =>
    writes.flatMap(({ events }) =>
      events.flatMap((event) => (event.type === 'rows' ? JSON.parse(event.data).rows : [])),
    )
  return { run, writes, rowsWritten, refusals: () => refused }
}

describe('a tracked run', () => {
  test('writes each row once and in order, one write at a time, and its ending last', async () => {
    let inFlight = 0
    let maxInFlight = 0
    const { run, writes, rowsWritten } = openRun(async () => {
      maxInFlight = Math.max(maxInFlight, ++inFlight)
      await new Promise((resolve) => setTimeout(resolve, 2))
      inFlight--
    })
    for (let n = 0; n < 1_234; n++) await run.add({ n })
    await run.complete()
    expect(rowsWritten()).toEqual(Array.from({ length: 1_234 }, (_, n) => ({ n })))
    expect(maxInFlight).toBe(1)
    expect(writes.map(({ n }) => n)).toEqual(writes.map((_, i) => i + 1))
    expect(writes.at(-1)?.ending).toMatchObject({ state: 'complete' })
    const froms = writes.flatMap(({ events }) =>
      events.flatMap((event) => (event.type === 'rows' ? [JSON.parse(event.data)] : [])),
    )
    for (const [i, { from }] of froms.entries())
      expect(from).toBe(froms.slice(0, i).reduce((sum, each) => sum + each.rows.length, 0))
  })

  test('resends a failed write under the same number', async () => {
    let failures = 3
    const { run, writes } = openRun(async () => {
      if (failures-- > 0) throw new Error('connection lost')
    })
    await run.add({ n: 1 })
    await run.complete()
    expect(writes.map(({ n }) => n)).toEqual([1, 1, 1, 1])
    expect(new Set(writes.map((write) => JSON.stringify(write))).size).toBe(1)
  })

  test('stops at the first refusal and reports it once', async () => {
    const { run, refusals } = openRun(async () => {
      throw new WriteRefused('ended')
    })
    await run.add({ n: 1 })
    await expect(run.complete()).rejects.toThrow(WriteRefused)
    await expect(run.add({ n: 2 })).rejects.toThrow(WriteRefused)
    expect(refusals()).toBe(1)
  })

  test('keeps the order of notes and rows', async () => {
    const { run, writes } = openRun()
    await run.add({ n: 1 })
    run.note('between')
    await run.add({ n: 2 })
    await run.complete()
    expect(writes.flatMap(({ events }) => events.map(({ type }) => type))).toEqual([
      'rows',
      'note',
      'rows',
      'state',
    ])
  })

  test('fails with a message for users if a row is too large or the job is full', async () => {
    const { run, rowsWritten } = openRun()
    await expect(run.add({ text: 'x'.repeat(runLimits.bytesPerRow) })).rejects.toThrow(SearchFailed)
    for (let n = 0; n < runLimits.rows; n++) await run.add({ n })
    await expect(run.add({ n: runLimits.rows })).rejects.toThrow('The first 100000 rows are kept')
    await run.fail('full', null)
    const { run: heavy } = openRun()
    const text = 'x'.repeat(15 * 1024)
    const fill = async () => {
      for (;;) await heavy.add({ text })
    }
    await expect(fill()).rejects.toThrow(/32 MB\)\. The first 2[01]\d\d rows are kept/)
    expect(rowsWritten()).toHaveLength(runLimits.rows)
  })
})
