import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { defineSearch, type Row } from '#jobs/define-search.ts'
import { PassingError } from '#jobs/errors.ts'
import { PatchEvent } from '#jobs/events.ts'
import { findRows } from '#jobs/postgres/find-rows.ts'
import { readArchivedJob, readArchivedTimeline } from '#jobs/postgres/read-archive.ts'
import { deleteJob } from '#jobs/redis/delete-job.ts'
import { keys } from '#jobs/redis/keys.ts'
import { readLog } from '#jobs/redis/read-job.ts'
import { openTestEnvironment } from './test-environment.ts'

const columns = ['n', 'status'].map((key) => ({ key, label: key, type: 'text' as const }))
const facts = { title: '', description: '', columns, input: z.object({}) }
/** Lets a search wait for the test. */
const gates = new Map<string, () => void>()
const gate = (name: string) => new Promise<void>((resolve) => gates.set(name, resolve))
let attempts = 0

const searches = [
  defineSearch({
    ...facts,
    name: 'changes',
    async *run(_input, { note, update }) {
      const indexes: number[] = []
      for (let n = 0; n < 1_200; n++) indexes.push(yield { n, status: null })
      note('All rows are there.')
      await gate('changes')
      for (const index of indexes) if (index % 3 === 0) update(index, { status: `live ${index}` })
      update(1_199, { status: 'lost' })
      yield { n: 1_200, status: 'late' }
    },
  }),
  defineSearch({
    ...facts,
    name: 'changes-then-retries',
    attempts: 2,
    async *run(_input, { update, note }) {
      attempts++
      const index = yield { n: attempts, status: null }
      if (attempts === 2) {
        note('The second attempt has its row.')
        await gate('retries')
        return
      }
      note('A row is there.')
      await gate('first')
      update(index, { status: 'of the first attempt' })
      throw new PassingError('Once more.')
    },
  }),
  defineSearch({
    ...facts,
    name: 'wrong-column',
    async *run(_input, { update }) {
      const index = yield { n: 1 }
      update(index, { nothing: 1 })
    },
  }),
]

let environment: Awaited<ReturnType<typeof openTestEnvironment>>
beforeAll(async () => {
  environment = await openTestEnvironment(searches)
  environment.addWorker()
})
afterAll(() => environment.close())

const expected = Array.from({ length: 1_201 }, (_, n) => ({
  n,
  status: n === 1_200 ? 'late' : n === 1_199 ? 'lost' : n % 3 === 0 ? `live ${n}` : null,
}))

async function pagesOf(id: string, job: Parameters<typeof findRows>[0], limit: number) {
  const rows: Row[] = []
  for (let from = 0; from < job.rowCount; from += limit)
    rows.push(...(await findRows(job, { from, limit }, environment)).rows)
  expect(id).toBe(job.id)
  return rows
}

test('changed rows read the same live, ended and archived', async () => {
  const { start, store, db } = environment
  const job = await start('changes')
  await job.noted('All rows are there.')
  const before = await job.job()
  expect(before.patched).toBeUndefined()
  expect((await findRows(before, { from: 1_199, limit: 1 }, environment)).rows).toEqual([
    { n: 1_199, status: null },
  ])
  gates.get('changes')?.()
  const ended = await job.end()
  expect(ended).toMatchObject({ state: 'complete', patched: true, rowCount: 1_201 })
  for (const limit of [7, 1_000, 5_000])
    expect(await pagesOf(job.id, ended, limit)).toEqual(expected)

  const log = (await readLog(job.id, store)) ?? []
  const changed = log.flatMap(({ type, data }) =>
    type === 'patch' ? PatchEvent.parse(JSON.parse(data)).rows.map(([index]) => index) : [],
  )
  expect(changed.sort((a, b) => a - b)).toEqual([
    ...Array.from({ length: 400 }, (_, n) => 3 * n),
    1_199,
  ])

  await expect.poll(() => readArchivedJob(job.id, db)).not.toBeNull()
  await deleteJob(ended, { counted: false }, store)
  expect(await store.redis.exists(keys.patches(environment.shard, job.id))).toBe(0)
  const archived = await readArchivedJob(job.id, db)
  expect(archived).toEqual(ended)
  for (const limit of [7, 1_000])
    expect(await pagesOf(job.id, archived as typeof ended, limit)).toEqual(expected)
  const types = (await readArchivedTimeline(job.id, db)).map(({ type }) => type)
  expect(types).toEqual(['state', 'state', 'note', 'state'])
})

test('a new attempt starts without the changes of the former one', async () => {
  const { start, store, shard } = environment
  const job = await start('changes-then-retries')
  await job.noted('A row is there.')
  gates.get('first')?.()
  await job.noted('The second attempt has its row.')
  const again = await job.job()
  expect(again.patched).toBeUndefined()
  expect(await store.redis.exists(keys.patches(shard, job.id))).toBe(0)
  expect((await findRows(again, { from: 0, limit: 10 }, environment)).rows).toEqual([
    { n: 2, status: null },
  ])
  gates.get('retries')?.()
  expect(await job.end()).toMatchObject({ state: 'complete', rowCount: 1 })
})

test('a column that the type does not have can’t be changed', async () => {
  const job = await environment.start('wrong-column')
  expect(await job.end()).toMatchObject({ state: 'error', rowCount: 1 })
})
