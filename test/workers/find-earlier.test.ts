import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { defineSearch, type Row } from '#jobs/define-search.ts'
import { readArchivedJob } from '#jobs/postgres/read-archive.ts'
import { deleteJob } from '#jobs/redis/delete-job.ts'
import { findEarlier } from '#workers/find-earlier.ts'
import { newJob, newRef } from '../jobs/job-fixture.ts'
import { openTestEnvironment } from './test-environment.ts'

const counting = defineSearch({
  name: 'counting',
  title: '',
  description: '',
  input: z.object({ count: z.number() }),
  columns: [],
  async *run({ count }) {
    for (let n = 0; n < count; n++) yield { n }
  },
})

let environment: Awaited<ReturnType<typeof openTestEnvironment>>
beforeAll(async () => {
  environment = await openTestEnvironment([counting])
  environment.addWorker()
})
afterAll(() => environment.close())

async function rowsOf(pages: AsyncIterable<Row[]> | undefined): Promise<Row[]> {
  const rows: Row[] = []
  for await (const page of pages ?? []) rows.push(...page)
  return rows
}

test('a search finds an earlier one of its user, before and after it is archived', async () => {
  const { store, start } = environment
  const earlier = await start('counting', { count: 1_500 })
  await earlier.end()
  const { id } = await newJob(store, newRef('lost-links', earlier.userId))
  const expected = Array.from({ length: 1_500 }, (_, n) => ({ n }))
  const live = await findEarlier(earlier.id, id, environment)
  expect(live).toMatchObject({ search: 'counting', input: { count: 1_500 } })
  expect(await rowsOf(live?.rows)).toEqual(expected)

  await expect.poll(() => readArchivedJob(earlier.id, environment.db)).not.toBeNull()
  await deleteJob(await earlier.job(), { counted: false }, store)
  const archived = await findEarlier(earlier.id, id, environment)
  expect(await rowsOf(archived?.rows)).toEqual(expected)
})

test('searches of others, itself and what is no search are not found', async () => {
  const { store, start } = environment
  const others = await start('counting', { count: 1 })
  await others.end()
  const { id } = await newJob(store, newRef('lost-links'))
  for (const asked of [others.id, id, 'no id', newRef().id])
    expect(await findEarlier(asked, id, environment)).toBeNull()
})
