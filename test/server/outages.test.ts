import { execFile, execFileSync } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest'
import { ensurePostgres, stopPostgres } from '#local/services/postgres.ts'
import { ensureRedis, stopRedis } from '#local/services/redis.ts'
import type { Service } from '#local/services/service.ts'
import { makePeople, password } from './server-fixture.ts'
import { startServer } from './start-server.ts'

const run = promisify(execFile)
const isRoot = process.getuid?.() === 0

let dataDir: string
let diskDir: string
let redis: Service
let postgres: Service
let server: Awaited<ReturnType<typeof startServer>>
let key: string
let jobId: string
let fault: Redis

beforeAll(async () => {
  dataDir = await mkdtemp(join(inject('runDir'), 'outages-'))
  await chmod(dataDir, 0o711)
  diskDir = join(dataDir, 'redis')
  // A disk of Redis' own, which a test can fill.
  await mkdir(diskDir, { recursive: true, mode: 0o700 })
  if (isRoot) execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m,mode=0700', 'tmpfs', diskDir])
  redis = await ensureRedis({ dataDir })
  postgres = await ensurePostgres({ dataDir })
  const environment = {
    REDIS_URL: redis.url,
    DATABASE_URL: postgres.url,
    AUTH_SECRET: 'a secret that only this test knows, 32 or more',
    LOG_LEVEL: process.env.TEST_LOG_LEVEL ?? 'fatal',
    REQUEST_TIMEOUT_MS: '8000',
    PORT: '0',
  }
  server = await startServer(environment)
  const people = await makePeople(postgres.url, environment.AUTH_SECRET, server.url)
  key = people.user.key
  fault = new Redis(redis.url)
  fault.on('error', () => {})
  const { body } = await call('POST', '/api/jobs', search('keywords'))
  jobId = JSON.parse(body).job.id
})
afterAll(async () => {
  await server.close()
  fault.disconnect()
  await stopPostgres(postgres)
  await stopRedis(redis)
  if (isRoot) execFileSync('umount', [diskDir])
  await rm(dataDir, { recursive: true, force: true })
})
/** Each test begins with a server that answers, and its fault must not outlast it. */
beforeEach(async () => {
  const ready = async () => (await call('GET', '/readyz')).body
  await expect.poll(ready, { timeout: 60_000 }).toContain('"ready":true')
})

const search = (name: string) => ({
  search: name,
  input: name === 'keywords' ? { q: 'redis' } : { domain: 'example.com' },
})

async function call(method: string, path: string, body?: object, authorized = true) {
  const startedAt = performance.now()
  const response = await fetch(`${server.url}${path}`, {
    method,
    headers: {
      Origin: server.url,
      ...(authorized ? { Authorization: `Bearer ${key}` } : {}),
      ...(body ? { 'Content-Type': 'application/json' } : {}),
    },
    ...(body ? { body: JSON.stringify(body) } : {}),
  })
  const text = await response.text()
  const { status, headers } = response
  return { status, headers, body: text, ms: performance.now() - startedAt }
}

const signIn = () =>
  call('POST', '/api/auth/sign-in/email', { email: 'user@example.com', password }, false)
/** A session that does not exist: better-auth looks for it in the database. */
async function session() {
  const response = await fetch(`${server.url}/api/auth/get-session`, {
    headers: { Cookie: await cookie() },
  })
  return { status: response.status, headers: response.headers, body: await response.text(), ms: 0 }
}
let signedIn = ''
async function cookie(): Promise<string> {
  if (signedIn) return signedIn
  const { headers } = await signIn()
  signedIn = headers
    .getSetCookie()
    .map((each) => each.split(';')[0])
    .join('; ')
  return signedIn
}

/** By default, the limit is 4.5 s. What matters here is that each call is answered. */
const generousMs = 60_000

function expectUnavailable(answer: Awaited<ReturnType<typeof call>>, problem: RegExp): void {
  expect(answer.body).toMatch(/^\{"error":\{"code":"unavailable","message":"/)
  expect(JSON.parse(answer.body).error.message).toMatch(problem)
  expect(answer.status).toBe(503)
  expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(answer.ms).toBeLessThan(generousMs)
}

async function expectNotReady(part: string, problem: RegExp): Promise<void> {
  const answer = await call('GET', '/readyz')
  expect(answer.status).toBe(503)
  const { ready, problems } = JSON.parse(answer.body)
  expect(ready).toBe(false)
  expect(problems).toEqual([{ part, problem: expect.stringMatching(problem) }])
  const metrics = await call('GET', '/metrics')
  expect(metrics.status).toBe(200)
  expect(metrics.body).toContain(`searchlight_${part}_up 0`)
}

async function works(): Promise<void> {
  await expect.poll(async () => (await call('GET', '/api/jobs')).status).toBe(200)
  expect((await signIn()).status).toBe(200)
  const started = await call('POST', '/api/jobs', search('linking-domains'))
  expect(started.status).toBe(201)
  await call('POST', `/api/jobs/${JSON.parse(started.body).job.id}/cancel`)
}

/** Stops all processes of a service without ending them, as a frozen machine would. */
async function freeze(pid: number): Promise<() => void> {
  const { stdout } = await run('ps', ['-A', '-o', 'pid=,ppid='])
  const children = stdout
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([child, parent]) => (parent === pid && child ? [child] : []))
  const pids = [pid, ...children]
  const send = (signal: NodeJS.Signals) => {
    for (const each of pids) {
      try {
        process.kill(each, signal)
      } catch {
        // It has ended meanwhile.
      }
    }
  }
  send('SIGSTOP')
  return () => send('SIGCONT')
}

describe('while Redis', () => {
  test('has no memory left, starts are refused and lists are read', async () => {
    await fault.config('SET', 'maxmemory', '1')
    try {
      const refused = await call('POST', '/api/jobs', search('linking-domains'))
      expectUnavailable(refused, /^Redis has no memory left\. Nothing was changed\./)
      expect((await call('GET', '/api/jobs')).status).toBe(200)
      expect((await call('GET', `/api/jobs/${jobId}`)).status).toBe(200)
      expect((await signIn()).status).toBe(200)
      await expectNotReady('redis', /no memory left/)
    } finally {
      await fault.config('SET', 'maxmemory', '0')
    }
    await works()
  })

  test.runIf(isRoot)(
    'cannot write to its disk, starts are refused and lists are read',
    async () => {
      const filler = join(diskDir, 'filler')
      await writeFile(filler, Buffer.alloc(40 * 1024 * 1024)).catch(() => {})
      try {
        // It notices at its next write.
        await expect
          .poll(() => fault.set('probe', 'x'.repeat(100_000)).catch((error) => error.message))
          .toMatch(/^MISCONF/)
        const refused = await call('POST', '/api/jobs', search('linking-domains'))
        expectUnavailable(refused, /^Redis cannot write to its disk.*Nothing was changed\./)
        expect((await call('GET', '/api/jobs')).status).toBe(200)
        await expectNotReady('redis', /cannot write/)
      } finally {
        await rm(filler, { force: true })
      }
      await expect.poll(() => fault.set('probe', 'x').catch((error) => error.message)).toBe('OK')
      await works()
    },
  )

  test('hangs, calls that need it are answered 503', async () => {
    const thaw = await freeze(redis.process.pid)
    try {
      const [started, listed, read, ready] = await Promise.all([
        call('POST', '/api/jobs', search('linking-domains')),
        call('GET', '/api/jobs'),
        call('GET', `/api/jobs/${jobId}`),
        call('GET', '/readyz'),
      ])
      expectUnavailable(started, /does not answer\. It is not known whether/)
      expectUnavailable(listed, /does not answer\. Nothing was lost\./)
      expectUnavailable(read, /does not answer\./)
      expect(ready.status).toBe(503)
      expect((await signIn()).status).toBe(200)
    } finally {
      thaw()
    }
    for (const id of await fault.zrange('{sl:0}:live', 0, '-1'))
      if (id !== jobId) await call('POST', `/api/jobs/${id}/cancel`)
    await works()
  })
})

describe('while PostgreSQL', () => {
  test('hangs, calls that need it are answered 503', async () => {
    await cookie()
    const thaw = await freeze(postgres.process.pid)
    try {
      const [listed, signing, asked, ready] = await Promise.all([
        call('GET', '/api/jobs?state=complete'),
        signIn(),
        session(),
        call('GET', '/readyz'),
      ])
      expectUnavailable(listed, /The database does not answer\./)
      expectUnavailable(signing, /The database does not answer\./)
      expectUnavailable(asked, /The database does not answer\./)
      expect(ready.status).toBe(503)
    } finally {
      thaw()
    }
    await works()
  })
})

test('a server that is ready names what needs attention', async () => {
  const { body } = await call('GET', '/readyz')
  expect(JSON.parse(body)).toEqual({
    ready: true,
    problems: [],
    warnings: expect.arrayContaining(['No worker is running, so searches wait.']),
  })
  const metrics = (await call('GET', '/metrics')).body
  for (const line of [
    'searchlight_redis_up 1',
    'searchlight_postgres_up 1',
    'searchlight_workers 0',
    'searchlight_paused_queues 0',
  ])
    expect(metrics).toContain(line)
  expect(metrics).toMatch(/searchlight_archive_lag_seconds \d/)
})
