import type { ChildProcess } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Socket } from 'socket.io-client'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { buildIndexOfManyShards, everybodysTarget } from '../searches/many-shards.ts'
import {
  apiClient,
  connectSocket,
  makePeople,
  startWorker,
  stopProcess,
  testEnvironment,
} from '../server/server-fixture.ts'
import { startServer } from '../server/start-server.ts'

let indexDir: string
let emptyDir: string
let sites: number
let environment: Awaited<ReturnType<typeof testEnvironment>>['environment']
let drop: () => Promise<void>
let server: Awaited<ReturnType<typeof startServer>>
let api: ReturnType<typeof apiClient>
let asAdmin: ReturnType<typeof apiClient>
let socket: Socket
const workers: ChildProcess[] = []

/** Each test starts worker processes, which takes long on a busy machine. */

beforeAll(async () => {
  indexDir = await mkdtemp(join(tmpdir(), 'searchlight-shards-'))
  emptyDir = await mkdtemp(join(tmpdir(), 'searchlight-empty-'))
  sites = (await buildIndexOfManyShards(indexDir)).sites
  ;({ environment, drop } = await testEnvironment(indexDir))
  server = await startServer(environment)
  const people = await makePeople(environment.DATABASE_URL, environment.AUTH_SECRET, server.url)
  api = apiClient(server.url, people.user.key)
  asAdmin = apiClient(server.url, people.admin.key)
  socket = await connectSocket(server.url, people.user.key)
})
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => stopProcess(worker, 'SIGKILL')))
})
afterAll(async () => {
  socket.disconnect()
  await server.close()
  await drop()
  await Promise.all([indexDir, emptyDir].map((dir) => rm(dir, { recursive: true })))
})

async function addWorker(more: Record<string, string> = {}): Promise<ChildProcess> {
  const worker = await startWorker({ ...environment, ...more })
  workers.push(worker)
  return worker
}

type Event = [id: string, seq: number | null, type: string, data: Record<string, unknown>]
interface JobView {
  state: string
  attempt: number
  message: string | null
  rowCount: number
}

/**
 * Starts a search and watches it. Its state comes from events or, if a slow machine falls behind,
 * from a resync.
 */
async function startWatched() {
  const { status, body } = await api('POST', '/api/jobs', {
    search: 'linking-domains',
    input: { domain: everybodysTarget, limit: 10_000 },
  })
  expect(status).toBe(201)
  const { id } = body.job
  const view: JobView = { state: 'new', attempt: 0, message: null, rowCount: 0 }
  let seq = 0
  let outOfOrder = 0
  const waiting = new Set<() => void>()
  const replace = (job: JobView & { seq: number }) => {
    Object.assign(view, {
      state: job.state,
      attempt: job.attempt,
      message: job.message,
      rowCount: job.rowCount,
    })
    seq = job.seq
  }
  const apply = ([, number, type, data]: Event) => {
    if (number === null) return
    if (number !== seq + 1) outOfOrder++
    seq = number
    if (type === 'state')
      Object.assign(view, {
        rowCount: data.attempt === view.attempt ? view.rowCount : 0,
        ...data,
      })
    if (type === 'rows' && Array.isArray(data.rows)) view.rowCount += data.rows.length
  }
  const checkWaiting = () => {
    for (const check of waiting) check()
  }
  socket.on('events', (frame: Event[]) => {
    for (const event of frame) if (event[0] === id) apply(event)
    checkWaiting()
  })
  socket.on('resync', (message) => {
    if (message.id === id) replace(message.job)
    checkWaiting()
  })
  // Applied in the callback: after an await, the next message may already have arrived, and an
  // older state would replace a newer one.
  const job = await new Promise<JobView & { seq: number }>((resolve) => {
    socket.emit('watch', { jobs: [{ id }] }, ([answer]: [{ job: JobView & { seq: number } }]) => {
      replace(answer.job)
      resolve(answer.job)
    })
  })
  const until = (condition: (view: JobView) => boolean) =>
    new Promise<JobView>((resolve) => {
      const check = () => {
        if (!condition(view)) return
        waiting.delete(check)
        resolve({ ...view })
      }
      waiting.add(check)
      check()
    })
  return {
    id,
    job,
    disorder: () => outOfOrder,
    rowsOf: (attempt: number) => until((job) => job.attempt === attempt && job.rowCount > 0),
    end: () => until(({ state }) => state !== 'new' && state !== 'running'),
  }
}

async function expectFreeLock(): Promise<void> {
  const again = await api('POST', '/api/jobs', {
    search: 'linking-domains',
    input: { domain: everybodysTarget },
  })
  expect(again.status).toBe(201)
  expect((await api('POST', `/api/jobs/${again.body.job.id}/cancel`)).body.job.state).toBe(
    'cancelled',
  )
}

test('another worker restarts the search of a killed worker and completes it in order', async () => {
  const first = await addWorker()
  expect((await asAdmin('GET', '/api/admin/workers')).body.workers).toMatchObject([
    {
      name: expect.stringMatching(new RegExp(`:${first.pid}$`)),
      searches: expect.arrayContaining([
        { name: 'linking-domains', slots: 4 },
        { name: 'site-crawl', slots: 20 },
      ]),
      running: [],
    },
  ])
  const search = await startWatched()
  await search.rowsOf(1)
  await stopProcess(first, 'SIGKILL')
  await addWorker()
  expect(await search.end()).toMatchObject({ state: 'complete', attempt: 2 })

  const { rows, rowCount } = (await api('GET', `/api/jobs/${search.id}/rows?limit=5000`)).body
  expect(rowCount).toBe(sites)
  expect(new Set(rows.map((row: { site: string }) => row.site)).size).toBe(sites)
  expect(search.disorder()).toBe(0)
  const { events } = (await api('GET', `/api/jobs/${search.id}/timeline`)).body
  const stall = events.find((event: { data: { text?: string } }) =>
    event.data.text?.includes('stopped responding'),
  )
  const [started] = events.filter(
    (event: { data: { state?: string } }) => event.data.state === 'running',
  )
  expect(stall.data.worker).toBe(started.data.worker)
  await expectFreeLock()
})

test('a search that loses two workers ends in error', async () => {
  const first = await addWorker()
  const search = await startWatched()
  await search.rowsOf(1)
  await stopProcess(first, 'SIGKILL')
  const second = await addWorker()
  await search.rowsOf(2)
  await stopProcess(second, 'SIGKILL')
  await addWorker()
  expect(await search.end()).toMatchObject({
    state: 'error',
    message:
      'The worker stopped responding a second time, so the search was not retried. Start it again.',
  })
  await expectFreeLock()
})

test('a cancelled search ends at once and frees its worker', async () => {
  await addWorker({ WORKER_CONCURRENCY: '1' })
  const search = await startWatched()
  await search.rowsOf(1)
  const { body } = await api('POST', `/api/jobs/${search.id}/cancel`)
  expect(body.job).toMatchObject({ state: 'cancelled', message: 'Cancelled by user@example.com.' })
  await search.end()
  const next = await startWatched()
  expect(await next.end()).toMatchObject({ state: 'complete' })
  expect((await api('GET', `/api/jobs/${search.id}`)).body.job).toMatchObject({
    state: 'cancelled',
    rowCount: body.job.rowCount,
  })
})

test('a worker that gets SIGTERM hands its search back to the queue', async () => {
  const first = await addWorker({ SHUTDOWN_GRACE_MS: '0' })
  const search = await startWatched()
  await search.rowsOf(1)
  await stopProcess(first, 'SIGTERM')
  await addWorker()
  expect(await search.end()).toMatchObject({ state: 'complete', attempt: 2 })
  expect((await api('GET', `/api/jobs/${search.id}`)).body.job.rowCount).toBe(sites)
})

test('a search that cannot run ends in error with a message, and its worker goes on', async () => {
  await addWorker({ INDEX_DIR: emptyDir })
  for (let i = 0; i < 2; i++) {
    const search = await startWatched()
    const end = await search.end()
    expect((await api('GET', `/api/admin/jobs/${search.id}/stack`)).status).toBe(403)
    expect((await asAdmin('GET', `/api/admin/jobs/${search.id}/stack`)).body.stack).toContain(
      'NoIndex',
    )
    expect((await asAdmin('GET', '/api/admin/jobs/0-none/stack')).status).toBe(404)
    expect(end).toMatchObject({
      state: 'error',
      message: expect.stringContaining('npm run index'),
    })
  }
  await buildIndexOfManyShards(emptyDir, { shards: 4, sites: 10 })
  expect(await (await startWatched()).end()).toMatchObject({ state: 'complete' })
})

test('a search started without any worker runs when the first one comes up', async () => {
  const search = await startWatched()
  expect(search.job.state).toBe('new')
  await addWorker()
  expect(await search.end()).toMatchObject({ state: 'complete', attempt: 1 })
})
