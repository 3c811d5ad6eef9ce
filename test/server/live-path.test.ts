import type { ChildProcess } from 'node:child_process'
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Socket } from 'socket.io-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isLive } from '#jobs/lifecycle.ts'
import { program } from '../programs.ts'
import { copyStarterIndex } from '../webindex/starter-index.ts'
import {
  apiClient,
  connectSocket,
  makePeople,
  root,
  startWorker,
  stopProcess,
  testEnvironment,
} from './server-fixture.ts'
import { startServer } from './start-server.ts'

/**
 * The whole path with real parts: API → Redis → BullMQ → worker process → DuckDB → events → hub →
 * socket → archive.
 */
let indexDir: string
let drop: () => Promise<void>
let worker: ChildProcess
let server: Awaited<ReturnType<typeof startServer>>
let people: Awaited<ReturnType<typeof makePeople>>
let asUser: ReturnType<typeof apiClient>
const sockets: Socket[] = []

beforeAll(async () => {
  indexDir = await mkdtemp(join(tmpdir(), 'searchlight-index-'))
  await copyStarterIndex(indexDir)
  const { environment, drop: dropDatabase } = await testEnvironment(indexDir)
  drop = dropDatabase
  server = await startServer(environment)
  people = await makePeople(environment.DATABASE_URL, environment.AUTH_SECRET, server.url)
  asUser = apiClient(server.url, people.user.key)
  worker = await startWorker(environment)
})
afterAll(async () => {
  for (const socket of sockets) socket.disconnect()
  await stopProcess(worker)
  await server.close()
  await drop()
  await rm(indexDir, { recursive: true })
})

async function socketOf(key: string): Promise<Socket> {
  const socket = await connectSocket(server.url, key)
  sockets.push(socket)
  return socket
}

type Frame = [id: string, seq: number | null, type: string, data: Record<string, unknown>][]

/** Collects the events of one job until its end. */
function eventsUntilEnd(socket: Socket, id: string): Promise<Frame> {
  const collected: Frame = []
  return new Promise((resolve) => {
    socket.on('events', (frame: Frame) => {
      for (const event of frame) {
        if (event[0] !== id) continue
        collected.push(event)
        if (
          event[2] === 'state' &&
          ['complete', 'error', 'cancelled'].includes(String(event[3].state))
        )
          resolve(collected)
      }
    })
  })
}

describe('a search', () => {
  test('runs to its end, sends events in order without gaps, and stays readable', async () => {
    const socket = await socketOf(people.user.key)
    const { status, body, headers } = await asUser('POST', '/api/jobs', {
      search: 'linking-domains',
      input: { domain: 'github.com' },
    })
    expect(status).toBe(201)
    expect(headers.get('location')).toBe(`/api/jobs/${body.job.id}`)
    const { id } = body.job
    const ending = eventsUntilEnd(socket, id)
    const [first] = await socket.emitWithAck('watch', { jobs: [{ id }] })
    expect(first).toMatchObject({ id, mode: 'snapshot' })
    const events = isLive(first.job.state) ? await ending : []
    const durable = events.filter(([, seq]) => seq !== null).map(([, seq]) => seq)
    expect(durable).toEqual(durable.map((_, i) => first.seq + 1 + i))

    const { job } = (await asUser('GET', `/api/jobs/${id}`)).body
    expect(job).toMatchObject({ state: 'complete', search: 'linking-domains' })
    expect(job.rowCount).toBeGreaterThan(10)
    const { rows } = (await asUser('GET', `/api/jobs/${id}/rows`)).body
    expect(rows).toHaveLength(job.rowCount)
    const csv = (await asUser('GET', `/api/jobs/${id}/rows.csv`)).body
    expect(csv.trim().split('\n')).toHaveLength(job.rowCount + 1)
    const ndjson = (await asUser('GET', `/api/jobs/${id}/rows.ndjson`)).body
    expect(
      ndjson
        .trim()
        .split('\n')
        .map((line: string) => JSON.parse(line)),
    ).toEqual(rows)
    const { jobs } = (await asUser('GET', '/api/jobs')).body
    expect(jobs[0]).toMatchObject({ id, state: 'complete' })
    const timeline = (await asUser('GET', `/api/jobs/${id}/timeline`)).body.events
    const states = timeline.flatMap((event: { type: string; data: { state?: string } }) =>
      event.type === 'state' ? [event.data.state] : [],
    )
    expect(states).toEqual(['new', 'running', 'complete'])
  })

  test('sends all its events to a program over server-sent events', async () => {
    const { body } = await asUser('POST', '/api/jobs', {
      search: 'linking-domains',
      input: { domain: 'nodejs.org' },
    })
    const response = await fetch(`${server.url}/api/jobs/${body.job.id}/events`, {
      headers: { Authorization: `Bearer ${people.user.key}` },
    })
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    const text = await response.text()
    const ids = [...text.matchAll(/^id: .*:(\d+)$/gm)].map((match) => Number(match[1]))
    expect(ids).toEqual(ids.map((_, i) => i + 1))
    expect(text).toContain('"state":"complete"')
    const resumed = await fetch(`${server.url}/api/jobs/${body.job.id}/events`, {
      headers: {
        Authorization: `Bearer ${people.user.key}`,
        'Last-Event-ID': [...text.matchAll(/^id: (.*)$/gm)].at(-1)?.[1] ?? '',
      },
    })
    expect(resumed.status).toBe(204)
  })

  test('started twice with one idempotency key makes one job', async () => {
    const request = { search: 'linking-domains', input: { domain: 'npmjs.com' } }
    const first = await asUser('POST', '/api/jobs', request, { 'Idempotency-Key': 'once' })
    const again = await asUser('POST', '/api/jobs', request, { 'Idempotency-Key': 'once' })
    expect(again.status).toBe(201)
    expect(again.body.job.id).toBe(first.body.job.id)
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    const other = await asUser(
      'POST',
      '/api/jobs',
      { ...request, input: { domain: 'example.com' } },
      { 'Idempotency-Key': 'once' },
    )
    expect(other).toMatchObject({ status: 409, body: { error: { code: 'idempotency_mismatch' } } })
  })
})

describe('the terminal client', () => {
  const run = async (args: string[], key = people.user.key) =>
    promisify(execFile)(process.execPath, await program('scripts/search.ts', ...args), {
      cwd: root,
      env: { ...process.env, SEARCHLIGHT_URL: server.url, SEARCHLIGHT_KEY: key },
    })

  test('prints each row on a line of stdout, and the ending to stderr', async () => {
    const { stdout, stderr } = await run([
      'linking-domains',
      '--domain',
      'github.com',
      '--limit',
      '1000',
    ])
    const rows = stdout
      .trim()
      .split('\n')
      .map((line: string) => JSON.parse(line))
    expect(rows.length).toBeGreaterThan(10)
    expect(new Set(rows.map((row) => row.site)).size).toBe(rows.length)
    expect(stderr).toContain(`complete (${rows.length} rows`)
    expect(stderr).not.toContain('connection was lost')
  })

  test('names what is wrong with an input, a type or a key, and exits with 2', async () => {
    await expect(run(['linking-domains', '--domain', 'localhost'])).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining('input.domain'),
    })
    await expect(run(['nothing'])).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining('linking-domains'),
    })
    await expect(run(['linking-domains'], 'sl_wrong')).rejects.toMatchObject({
      code: 2,
      stderr: expect.stringContaining('API key'),
    })
  })
})

describe('bad input', () => {
  test.each([
    ['an unknown search', { search: 'nothing', input: {} }, 'search'],
    ['a missing field', { search: 'linking-domains', input: {} }, 'input.domain'],
    [
      'an IP address instead of a domain',
      { search: 'linking-domains', input: { domain: '127.0.0.1' } },
      'input.domain',
    ],
    [
      'a number out of range',
      { search: 'linking-domains', input: { domain: 'example.com', limit: 0 } },
      'input.limit',
    ],
    ['malformed JSON', '{"search":', ''],
  ])('%s answers 422 with an issue at its field, and creates no job', async (_, body, path) => {
    const before = (await asUser('GET', '/api/jobs')).body.jobs.length
    const answer = await asUser('POST', '/api/jobs', body)
    expect(answer).toMatchObject({ status: 422, body: { error: { code: 'invalid_input' } } })
    expect(answer.body.error.issues.map((issue: { path: string }) => issue.path)).toContain(path)
    expect((await asUser('GET', '/api/jobs')).body.jobs).toHaveLength(before)
  })

  test("another user's search is not found; an admin sees it", async () => {
    const { id } = (await asUser('GET', '/api/jobs')).body.jobs[0]
    const asOther = apiClient(server.url, people.other.key)
    for (const path of ['', '/rows', '/rows.csv', '/timeline', '/events']) {
      expect(await asOther('GET', `/api/jobs/${id}${path}`)).toMatchObject({
        status: 404,
        body: { error: { code: 'not_found' } },
      })
    }
    expect((await asOther('POST', `/api/jobs/${id}/cancel`)).status).toBe(404)
    expect((await asOther('DELETE', `/api/jobs/${id}`)).status).toBe(404)
    const socket = await socketOf(people.other.key)
    expect(await socket.emitWithAck('watch', { jobs: [{ id }] })).toMatchObject([
      { id, error: { code: 'not_found' } },
    ])
    expect((await apiClient(server.url, people.admin.key)('GET', `/api/jobs/${id}`)).status).toBe(
      200,
    )
  })

  test('without a valid key, requests and sockets are refused', async () => {
    expect((await fetch(`${server.url}/api/jobs`)).status).toBe(401)
    await expect(connectSocket(server.url, 'sl_nonsense')).rejects.toMatchObject({
      data: { code: 'unauthenticated' },
    })
  })

  test('the feed is for admins', async () => {
    const socket = await socketOf(people.user.key)
    expect(await socket.emitWithAck('feed:open', {})).toMatchObject({
      error: { code: 'forbidden' },
    })
  })
})
