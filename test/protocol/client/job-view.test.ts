import { describe, expect, test } from 'vitest'
import {
  applyEvents,
  applyReplay,
  firstHole,
  putRows,
  putTimeline,
  replaceJob,
  viewOf,
} from '#protocol/client/job-view.ts'
import { at, job, later, noteEvent, patchEvent, progressEvent, rowsEvent } from '../job-fixture.ts'

const sites = (view: { rows: readonly unknown[] }) =>
  view.rows.map((row) => (row as { site: string } | undefined)?.site)

describe('events', () => {
  test('rows take the places that they say', () => {
    const { view } = applyEvents(viewOf(job()), [
      rowsEvent(3, 0, ['a', 'b']),
      rowsEvent(4, 2, ['c']),
    ])
    expect(sites(view)).toEqual(['a', 'b', 'c'])
    expect(view.job).toMatchObject({ seq: 4, rowCount: 3 })
    expect(view.freshFrom).toBe(2)
  })

  test('what is known already is dropped', () => {
    const { view } = applyEvents(viewOf(job()), [rowsEvent(3, 0, ['a'])])
    expect(applyEvents(view, [rowsEvent(3, 0, ['x']), rowsEvent(2, 0, ['y'])]).view).toEqual(view)
  })

  test('nothing is applied behind a gap', () => {
    const { view, gap } = applyEvents(viewOf(job()), [
      rowsEvent(3, 0, ['a']),
      rowsEvent(5, 2, ['c']),
    ])
    expect(gap).toBe(true)
    expect(view.job.seq).toBe(3)
    expect(sites(view)).toEqual(['a'])
  })

  test('the view that was there before does not change', () => {
    const before = viewOf(job())
    applyEvents(before, [rowsEvent(3, 0, ['a']), noteEvent(4, 'Hm.')])
    expect(before).toEqual(viewOf(job()))
  })

  test('progress of another attempt is dropped', () => {
    const { view } = applyEvents(viewOf(job({ attempt: 2 })), [
      progressEvent(9, 1),
      progressEvent(3, 2),
      progressEvent(8, 3),
    ])
    expect(view.job.progress).toEqual({ phase: 'Reading', done: 3, total: 16, unit: 'shards' })
    expect(view.job.seq).toBe(2)
  })

  test('progress of a phase never goes back', () => {
    const { view } = applyEvents(viewOf(job()), [progressEvent(5), progressEvent(3)])
    expect(view.job.progress).toMatchObject({ done: 5 })
  })

  test('progress after the end is dropped', () => {
    const ended = viewOf(job({ state: 'complete', finishedAt: later }))
    expect(applyEvents(ended, [progressEvent(3)]).view).toEqual(ended)
  })

  test('a job starts when its first attempt does', () => {
    const waiting = viewOf(job({ state: 'new', attempt: 0, startedAt: null, seq: 1 }))
    const started = applyEvents(waiting, [
      { seq: 2, type: 'state', data: { at, state: 'running', attempt: 1 } },
    ]).view
    expect(started.job).toMatchObject({ state: 'running', attempt: 1, startedAt: at })
    const again = applyEvents(started, [
      { seq: 3, type: 'state', data: { at: later, state: 'running', attempt: 2 } },
    ]).view
    expect(again.job).toMatchObject({ state: 'running', attempt: 2, startedAt: at })
  })

  test('a new attempt begins without rows and without progress', () => {
    const running = applyEvents(viewOf(job()), [rowsEvent(3, 0, ['a', 'b']), progressEvent(5)]).view
    const again = applyEvents(running, [
      { seq: 4, type: 'state', data: { at: later, state: 'running', attempt: 2 } },
      rowsEvent(5, 0, ['c'], 2),
    ]).view
    expect(sites(again)).toEqual(['c'])
    expect(again.job).toMatchObject({ attempt: 2, rowCount: 1, progress: null })
  })

  test('rows of an attempt that is over are not shown, but counted as seen', () => {
    const { view } = applyEvents(viewOf(job({ attempt: 2 })), [rowsEvent(3, 0, ['old'], 1)])
    expect(view.rows).toEqual([])
    expect(view.job.seq).toBe(3)
  })

  test.each(['error', 'cancelled'] as const)(
    '%s carries its message and the time of its end',
    (state) => {
      const { view } = applyEvents(viewOf(job()), [
        {
          seq: 3,
          type: 'state',
          data: { at: later, state, attempt: 1, message: 'The index is gone.' },
        },
      ])
      expect(view.job).toMatchObject({
        state,
        message: 'The index is gone.',
        finishedAt: later,
        startedAt: at,
      })
    },
  )

  test('a job that is cancelled before it starts has never started', () => {
    const waiting = viewOf(job({ state: 'new', attempt: 0, startedAt: null, seq: 1 }))
    const { view } = applyEvents(waiting, [
      {
        seq: 2,
        type: 'state',
        data: { at: later, state: 'cancelled', attempt: 0, message: 'Cancelled by Ann.' },
      },
    ])
    expect(view.job).toMatchObject({ state: 'cancelled', startedAt: null, finishedAt: later })
  })

  test('the end keeps rows and progress', () => {
    const { view } = applyEvents(viewOf(job()), [
      rowsEvent(3, 0, ['a']),
      progressEvent(16),
      { seq: 4, type: 'state', data: { at: later, state: 'complete', attempt: 1 } },
    ])
    expect(sites(view)).toEqual(['a'])
    expect(view.job).toMatchObject({ state: 'complete', message: null, progress: { done: 16 } })
  })

  test('the timeline of a job that was only created follows from its record', () => {
    const created = job({ state: 'new', attempt: 0, startedAt: null, seq: 1 })
    expect(viewOf(created).timeline).toEqual([
      { seq: 1, type: 'state', data: { at: created.createdAt, state: 'new', attempt: 0 } },
    ])
    expect(viewOf(job()).timeline).toEqual([])
  })

  test('states and notes make the timeline, in order and once each', () => {
    const state = { seq: 1, type: 'state', data: { at, state: 'new', attempt: 0 } } as const
    const note = {
      seq: 3,
      type: 'note',
      data: { at: later, attempt: 1, text: 'Reads the index.' },
    } as const
    const { view } = applyEvents(viewOf(job()), [
      noteEvent(3, 'Reads the index.'),
      rowsEvent(4, 0, ['a']),
    ])
    expect(putTimeline(view, [note, state]).timeline).toEqual([state, note])
  })
})

describe('snapshots and replays', () => {
  test('rows of the same attempt stay where a snapshot replaces the record', () => {
    const { view } = applyEvents(viewOf(job()), [rowsEvent(3, 0, ['a', 'b'])])
    const replaced = replaceJob(view, job({ seq: 9, rowCount: 5 }))
    expect(sites(replaced)).toEqual(['a', 'b'])
    expect(firstHole(replaced)).toEqual({ from: 2, to: 5 })
  })

  test('rows of another attempt go', () => {
    const { view } = applyEvents(viewOf(job()), [rowsEvent(3, 0, ['a', 'b'])])
    expect(replaceJob(view, job({ seq: 9, attempt: 2, rowCount: 5 })).rows).toEqual([])
  })

  test('under another epoch nothing that was held is believed', () => {
    const { view } = applyEvents(viewOf(job()), [rowsEvent(3, 0, ['a', 'b']), noteEvent(4, 'Hm.')])
    const replaced = replaceJob(view, job({ epoch: 'e2', seq: 3, rowCount: 2 }))
    expect(replaced).toMatchObject({ rows: [], timeline: [] })
    expect(applyReplay(view, job({ epoch: 'e2', seq: 5 }), [rowsEvent(5, 0, ['x'])]).rows).toEqual(
      [],
    )
  })

  test('a replay brings the events, and its record the progress', () => {
    const progress = { phase: 'Reading', done: 7, total: 16, unit: 'shards' }
    const replayed = applyReplay(viewOf(job()), job({ seq: 4, rowCount: 2, progress }), [
      rowsEvent(3, 0, ['a']),
      rowsEvent(4, 1, ['b']),
    ])
    expect(sites(replayed)).toEqual(['a', 'b'])
    expect(replayed.job).toMatchObject({ seq: 4, progress })
    expect(replayed.freshFrom).toBeNull()
  })
})

describe('holes', () => {
  test('fetched rows fill the hole between those that came live', () => {
    const opened = replaceJob(viewOf(job()), job({ rowCount: 3, seq: 5 }))
    const { view } = applyEvents(opened, [rowsEvent(6, 3, ['d'])])
    expect(firstHole(view)).toEqual({ from: 0, to: 3 })
    const filled = putRows(view, {
      attempt: 1,
      from: 0,
      rows: [{ site: 'a' }, { site: 'b' }, { site: 'c' }],
    })
    expect(sites(filled)).toEqual(['a', 'b', 'c', 'd'])
    expect(firstHole(filled)).toBeNull()
  })

  test('rows that were fetched of another attempt are thrown away', () => {
    const view = viewOf(job({ attempt: 2, rowCount: 1 }))
    expect(putRows(view, { attempt: 1, from: 0, rows: [{ site: 'old' }] })).toEqual(view)
  })
})

describe('changed rows', () => {
  const start = () => applyEvents(viewOf(job()), [rowsEvent(3, 0, ['a', 'b'])]).view

  test('cells change in place, and the view before does not', () => {
    const before = start()
    const { view } = applyEvents(before, [patchEvent(4, [[1, { site: 'c', more: 'd' }]])])
    expect(view.rows).toEqual([{ site: 'a' }, { site: 'c', more: 'd' }])
    expect(view.rows[0]).toBe(before.rows[0])
    expect(sites(before)).toEqual(['a', 'b'])
    expect(view.job).toMatchObject({ seq: 4, rowCount: 2, patched: true })
  })

  test('a row that is fetched later, from an older answer, is changed too', () => {
    const empty = viewOf(job({ rowCount: 2 }))
    const { view } = applyEvents(empty, [patchEvent(3, [[1, { site: 'new' }]])])
    expect(sites(view)).toEqual([])
    const rows = [{ site: 'a' }, { site: 'old' }]
    expect(sites(putRows(view, { attempt: 1, from: 0, rows }))).toEqual(['a', 'new'])
  })

  test('changes of a former attempt are dropped, and a new attempt forgets all', () => {
    const { view } = applyEvents(start(), [patchEvent(4, [[0, { site: 'x' }]], 0)])
    expect(sites(view)).toEqual(['a', 'b'])
    const running = { at: later, state: 'running' as const, attempt: 2 }
    const again = applyEvents(view, [
      patchEvent(5, [[0, { site: 'y' }]]),
      { seq: 6, type: 'state', data: running },
      rowsEvent(7, 0, ['z'], 2),
    ]).view
    expect(sites(again)).toEqual(['z'])
    expect(again.patches.size).toBe(0)
    expect(again.job.patched).toBeUndefined()
  })

  test('a snapshot keeps rows unless they may have changed since', () => {
    const view = start()
    const at = (seq: number, patched?: boolean) =>
      replaceJob(view, job({ seq, rowCount: 2, ...(patched && { patched }) })).rows.length
    expect([at(9), at(3, true), at(9, true)]).toEqual([2, 2, 0])
  })

  test('a replay with changes keeps the other rows', () => {
    const view = start()
    const state = job({ seq: 4, rowCount: 2, patched: true })
    const replayed = applyReplay(view, state, [patchEvent(4, [[0, { site: 'x' }]])])
    expect(sites(replayed)).toEqual(['x', 'b'])
  })
})
