import type { ChildProcess } from 'node:child_process'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isLive } from '#jobs/lifecycle.ts'
import { writeTree } from '../webindex/index-fixture.ts'
import {
  apiClient,
  makePeople,
  startWorker,
  stopProcess,
  testEnvironment,
} from './server-fixture.ts'
import { startServer } from './start-server.ts'

/** A build of the index is a job like any other, but only admins may start it. */
let folder: string
let drop: () => Promise<void>
let worker: ChildProcess
let server: Awaited<ReturnType<typeof startServer>>
let asAdmin: ReturnType<typeof apiClient>
let asUser: ReturnType<typeof apiClient>

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'searchlight-build-job-'))
  writeTree(join(folder, 'import'), {
    'docs/index.html':
      '<title>Front page</title><p>Read <a href="https://redis.io/docs">the Redis docs</a> or the <a href="guide.html">guide</a>.',
    'docs/guide.html':
      '<title>Guide</title><p>Ask <a href="https://redis.io/">Redis</a>, <a href="https://redis.io/">Redis</a>.',
    'blog/index.html': '<title>Blog</title><p>We like <a href="https://redis.io/">Redis</a>.',
    'nothing/data.bin': 'no page',
  })
  const { environment, drop: dropDatabase } = await testEnvironment(join(folder, 'index'))
  drop = dropDatabase
  server = await startServer(environment)
  const people = await makePeople(environment.DATABASE_URL, environment.AUTH_SECRET, server.url)
  asAdmin = apiClient(server.url, people.admin.key)
  asUser = apiClient(server.url, people.user.key)
  worker = await startWorker({ ...environment, IMPORT_DIR: join(folder, 'import') })
})
afterAll(async () => {
  await stopProcess(worker)
  await server.close()
  await drop()
  await rm(folder, { recursive: true })
})

/** Runs a job to its end. @returns the job, its rows and notes, and the phases of its progress */
async function run(search: string, input: Record<string, unknown>, call = asAdmin) {
  const started = await call('POST', '/api/jobs', { search, input })
  expect(started.status, JSON.stringify(started.body)).toBe(201)
  const { id } = started.body.job
  const stream = (await call('GET', `/api/jobs/${id}/events`)).body as string
  const phases = [...stream.matchAll(/^event: progress\ndata: (.*)$/gm)].map(
    ([, data]) => JSON.parse(data ?? '').phase,
  )
  const { job } = (await call('GET', `/api/jobs/${id}`)).body
  expect(isLive(job.state)).toBe(false)
  const { rows } = (await call('GET', `/api/jobs/${id}/rows`)).body
  const { events } = (await call('GET', `/api/jobs/${id}/timeline`)).body
  const notes = events.flatMap((event: { data: { text?: string } }) => event.data.text ?? [])
  return { job, rows, notes, phases }
}

describe('a build of the index', () => {
  test('is available to admins only', async () => {
    const names = async (call: typeof asUser) =>
      (await call('GET', '/api/searches')).body.searches.map((type: { name: string }) => type.name)
    expect(await names(asAdmin)).toContain('index-build')
    expect(await names(asUser)).not.toContain('index-build')
    const refused = await asUser('POST', '/api/jobs', {
      search: 'index-build',
      input: { action: 'compact' },
    })
    expect(refused.body.error).toMatchObject({
      code: 'invalid_input',
      issues: [{ path: 'search' }],
    })
  })

  test('adds a folder so that searches find its pages, replaces it and removes it', async () => {
    const docs = { action: 'add', kind: 'html', path: 'docs', baseUrl: 'https://docs.example.com/' }
    const blog = { action: 'add', kind: 'html', path: 'blog', baseUrl: 'https://blog.example.org/' }
    const first = await run('index-build', docs)
    expect(first.job).toMatchObject({ state: 'complete', message: null })
    expect(first.rows).toMatchObject([
      { source: 'html:https://docs.example.com/', kind: 'html', pages: 2, bad: 0 },
    ])
    expect(first.phases.length).toBeGreaterThan(0)
    await run('index-build', blog)
    const stats = await run('index-build', { action: 'stats' })
    expect(stats.rows.map(({ source }: Record<string, unknown>) => source)).toEqual([
      'html:https://docs.example.com/',
      'html:https://blog.example.org/',
    ])

    const sites = async () => (await run('linking-domains', { domain: 'redis.io' }, asUser)).rows
    const both = await sites()
    expect(both.map(({ site, links }: Record<string, unknown>) => [site, links]).sort()).toEqual([
      ['example.com', 3],
      ['example.org', 1],
    ])
    const again = await run('index-build', docs)
    expect(again.rows).toHaveLength(2)
    expect(await sites()).toEqual(expect.arrayContaining(both))

    const removed = await run('index-build', {
      action: 'remove',
      name: 'html:https://docs.example.com/',
    })
    expect(removed.rows).toMatchObject([{ source: 'html:https://blog.example.org/' }])
    expect((await sites()).map(({ site }: Record<string, unknown>) => site)).toEqual([
      'example.org',
    ])
    const generations = async () =>
      (await readdir(join(folder, 'index'))).filter((name) => name.startsWith('gen-'))
    await expect.poll(generations).toHaveLength(1)
  })

  test.each([
    [
      { action: 'add', kind: 'html', path: '../index', baseUrl: 'https://a.com/' },
      /is outside the import folder/,
    ],
    [{ action: 'add', kind: 'html', path: 'absent', baseUrl: 'https://a.com/' }, /absent/],
    [{ action: 'add', kind: 'html', path: 'docs' }, /published/],
    [
      { action: 'add', kind: 'html', path: 'nothing', baseUrl: 'https://a.com/' },
      /no page|nothing/i,
    ],
    [{ action: 'remove', name: 'nobody' }, /nobody/],
    [{ action: 'remove' }, /which/],
  ])('fails with a clear message and leaves the index unchanged: %j', async (input, message) => {
    const before = await readdir(join(folder, 'index'))
    const { job } = await run('index-build', input)
    expect(job.state).toBe('error')
    expect(job.message).toMatch(message)
    expect(job.message).not.toMatch(/Searchlight, not because/)
    expect(
      (await readdir(join(folder, 'index'))).filter((name) => name.startsWith('gen-')),
    ).toEqual(before.filter((name) => name.startsWith('gen-')))
  })
})
