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

  describe('changes of rows', () => {
    const eventsOf = (writes: RunWrite[]) =>
      writes.flatMap(({ events }) =>
        events.flatMap(({ type, data }) =>
          type === 'state' ? [] : [[type, JSON.parse(data).rows]],
        ),
      )

    test('rows that are not written yet are changed in place', async () => {
      const { run, writes } = openRun()
      const index = await run.add({ site: 'a', status: null })
      run.update(index, { status: 'live' })
      await run.complete()
      expect(eventsOf(writes)).toEqual([['rows', [{ site: 'a', status: 'live' }]]])
    })

    test('changes of one row become one, with all its changed cells', async () => {
      const { run, writes } = openRun()
      const [first, second] = [await run.add({ a: 1, b: 1 }), await run.add({ a: 2, b: 2 })]
      await run.flush()
      run.update(second, { a: 3 })
      run.update(first, { b: 4 })
      run.update(second, { a: 5 })
      await run.flush()
      run.update(second, { b: 6 })
      await run.complete()
      expect(eventsOf(writes).slice(1)).toEqual([
        [
          'patch',
          [
            [1, { a: 5 }],
            [0, { b: 4 }],
          ],
        ],
        ['patch', [[1, { a: 5, b: 6 }]]],
      ])
    })

    test('a change follows its row, and precedes the ending', async () => {
      let release = () => {}
      const { run, writes } = openRun(() => new Promise((resolve) => (release = resolve)))
      for (let n = 0; n < 100; n++) await run.add({ n })
      const late = await run.add({ n: 100 })
      run.note('Seals the last row.')
      run.update(late, { n: -1 })
      const ended = run.complete()
      while (writes.at(-1)?.ending === null) {
        release()
        await new Promise(setImmediate)
      }
      release()
      await ended
      expect(writes.flatMap(({ events }) => events.map(({ type }) => type))).toEqual([
        'rows',
        'rows',
        'note',
        'patch',
        'state',
      ])
    })

    test('a thousand rows at most are changed by one write', async () => {
      const { run, writes } = openRun()
      for (let n = 0; n < 2_500; n++) await run.add({ n })
      await run.flush()
      for (let n = 0; n < 2_500; n++) run.update(n, { n: -n })
      await run.complete()
      const changed = writes.map(({ events }) =>
        events.reduce((sum, { patches }) => sum + (patches?.length ?? 0), 0),
      )
      expect(Math.max(...changed)).toBe(1_000)
      expect(changed.reduce((sum, count) => sum + count)).toBe(2_500)
    })

    test('only rows that were added can be changed, within the limits of a job', async () => {
      const { run } = openRun()
      const index = await run.add({ n: 1 })
      await run.flush()
      for (const wrong of [index + 1, -1, 0.5])
        expect(() => run.update(wrong, { n: 2 })).toThrow(TypeError)
      expect(() => run.update(index, { n: 'x'.repeat(runLimits.bytesPerRow) })).toThrow(
        SearchFailed,
      )
      const text = 'x'.repeat(15 * 1024)
      const fill = () => {
        for (;;) run.update(index, { n: text })
      }
      expect(fill).toThrow('more than one job can hold')
      await run.fail('full', null)
      run.update(index, { n: 3 })
    })
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
