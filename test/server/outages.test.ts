import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import {
  calls,
  expectOutage,
  fillDisk,
  freeze,
  generousMs,
  isRoot,
  type OutagesEnvironment,
  openOutagesEnvironment,
  takeAllConnections,
} from './outages-environment.ts'

let env: OutagesEnvironment
beforeAll(async () => {
  env = await openOutagesEnvironment()
})
afterAll(() => env?.close())

const allButMetrics = calls.filter((call) => call !== 'metrics')
const ofRedis = ['start', 'list', 'read', 'ready'] as const

test('a Redis at its memory limit refuses starts and says so; reads go on', async () => {
  await env.redis.config('SET', 'maxmemory', '1mb')
  const reason = 'Redis has reached its memory limit and accepts no changes.'
  const { start, metrics } = await expectOutage(env, { failing: ['start', 'ready'], reason })
  expect(start.text).toContain('Nothing was started.')
  expect(metrics.text).toContain('searchlight_redis_up 0')
  await env.redis.config('SET', 'maxmemory', '0')
  await env.recovered()
})

test('a Redis that hangs fails what needs it', async () => {
  await freeze(env.services.redis, async () => {
    const { start, metrics } = await expectOutage(env, {
      failing: ofRedis,
      reason: 'Redis does not answer in time.',
    })
    expect(start.text).toContain('Your search may have been started.')
    expect(metrics.text).toContain('searchlight_redis_up 0')
    expect(metrics.text).toContain('searchlight_postgres_up 1')
    expect(metrics.text).not.toContain('\nsearchlight_workers ')
  })
  await env.recovered()
})

test('a start that Redis answered too late is repeated safely with its key', async () => {
  await freeze(env.services.redis, async () => {
    const { status, text } = await env.startWithKey('again')
    expect(status).toBe(503)
    expect(text).toContain('try again with the same Idempotency-Key')
  })
  await env.recovered()
  const again = await env.startWithKey('again')
  expect(again.status, again.text).toBe(201)
  const { jobs } = JSON.parse((await env.make.list()).text)
  const started = jobs.filter(({ search }: { search: string }) => search === 'keyword-metrics')
  expect(started).toHaveLength(1)
})

test('a Redis that is stopped fails what needs it', async () => {
  await env.restartRedis(async () => {
    await expectOutage(env, { failing: ofRedis, reason: 'Redis cannot be reached.' })
  })
  await env.recovered()
})

test('a PostgreSQL that hangs fails whatever asks who the caller is', async () => {
  await freeze(env.services.postgres, async () => {
    const { start, metrics } = await expectOutage(env, {
      failing: allButMetrics,
      reason: 'PostgreSQL does not answer in time.',
    })
    expect(start.text).toContain('Nothing was started.')
    expect(metrics.text).toContain('searchlight_postgres_up 0')
    expect(metrics.text).toContain('searchlight_redis_up 1')
    // More than there are connections, so some wait for one.
    const many = await Promise.all(Array.from({ length: 40 }, () => env.make.me()))
    for (const { status, ms } of many) {
      expect(status).toBe(503)
      expect(ms).toBeLessThan(generousMs)
    }
  })
  await env.recovered()
})

test('a download that PostgreSQL cannot finish breaks off', async () => {
  const { user } = JSON.parse((await env.make.me()).text)
  await env.query(
    `insert into archived_jobs (id, user_id, search, input, brief, state, row_count, attempt,
       epoch, seq, created_at, started_at, finished_at)
     values ('0-old', '${user.id}', 'keywords', '{"q":"a"}', '{"q":"a"}', 'complete', 200000, 1,
       'e', 3, now(), now(), now());
     insert into archived_rows (job_id, from_row, count, rows)
     select '0-old', i * 500, 500,
       (select json_agg(json_build_object('phrase', repeat('x', 200))) from generate_series(1, 500))
     from generate_series(0, 399) as i`,
  )
  const response = await env.open('/api/jobs/0-old/rows.ndjson')
  expect(response.status).toBe(200)
  const reader = response.body?.getReader()
  if (!reader) throw new Error('There is no body')
  expect((await reader.read()).done).toBe(false)
  const readAll = async () => {
    while (!(await reader.read()).done);
  }
  await freeze(env.services.postgres, () => expect(readAll()).rejects.toThrow())
  await env.recovered()
})

test('a PostgreSQL that is stopped fails whatever asks who the caller is', async () => {
  await env.restartPostgres(async () => {
    await expectOutage(env, {
      failing: allButMetrics,
      reason: 'PostgreSQL cannot be reached.',
    })
    // better-auth alone would report success, although the session goes on.
    expect((await env.signOut()).status).toBe(503)
    expect(await env.refusedSocket()).toEqual({
      code: 'unavailable',
      message: 'PostgreSQL cannot be reached. Try again in a moment.',
    })
  })
  await env.recovered()
  expect(await env.refusedSocket()).toBeNull()
})

test('a PostgreSQL without free connections fails whatever asks who the caller is', async () => {
  const taken = await takeAllConnections(env)
  await expectOutage(env, {
    failing: allButMetrics,
    reason: 'PostgreSQL accepts no more connections.',
  })
  await taken.release()
  await env.recovered()
})

test.skipIf(!isRoot)('a Redis whose disk is full refuses starts; reads go on (root)', async () => {
  const own = await openOutagesEnvironment({ redisMb: 4 })
  onTestFinished(() => own.close())
  // Until the disk is full, then until Redis notices.
  const filler = join(own.folders.redis, 'filler')
  await fillDisk(filler)
  const write = () =>
    own.redis.set('filler', 'x'.repeat(100_000)).then(
      () => 'written',
      (error: Error) => error.message,
    )
  await expect.poll(write).toContain('MISCONF')
  const { start } = await expectOutage(own, {
    failing: ['start', 'ready'],
    reason: 'Redis cannot save to its disk and accepts no changes.',
  })
  expect(start.text).toContain('Nothing was started.')
  await rm(filler)
  await own.recovered()
})

test.skipIf(!isRoot)(
  'a PostgreSQL whose disk is full fails sign-in and says so (root)',
  async () => {
    const own = await openOutagesEnvironment({ postgresMb: 400 })
    onTestFinished(() => own.close())
    const filler = join(own.folders.postgres, 'filler')
    await fillDisk(filler)
    // The tables of the accounts have some room in their last pages.
    const fill = () =>
      own
        .query(
          `insert into session (id, token, user_id, expires_at)
         select gen_random_uuid(), gen_random_uuid(), (select id from "user" limit 1), now()
         from generate_series(1, 10)`,
        )
        .then(
          () => 'written',
          (error: { code: string }) => error.code,
        )
    await expect.poll(fill).toBe('53100')
    await expectOutage(own, {
      failing: ['sign in'],
      reason: 'PostgreSQL cannot write to its disk.',
    })
    await rm(filler)
    await own.recovered()
  },
)
