import { execFile } from 'node:child_process'
import { chmod, mkdtemp, open } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Redis } from 'ioredis'
import { Client } from 'pg'
import { io } from 'socket.io-client'
import { expect, inject } from 'vitest'
import { ensurePostgres, stopPostgres } from '#local/services/postgres.ts'
import { ensureRedis, stopRedis } from '#local/services/redis.ts'
import type { Service } from '#local/services/service.ts'
import { isCode } from '#processes/error-code.ts'
import { ErrorAnswer } from '#protocol/errors.ts'
import { makePeople, password, startServerProcess, stopProcess } from './server-fixture.ts'

const run = promisify(execFile)

export const isRoot = process.getuid?.() === 0

/** The calls whose answers a test compares. Those of a page carry its cookie. */
export const calls = [
  'start',
  'list',
  'read',
  'sign in',
  'get session',
  'list sessions',
  'me',
  'ready',
  'metrics',
] as const
export type Call = (typeof calls)[number]

export interface Answer {
  status: number
  retryAfter: string | null
  text: string
  ms: number
}

/**
 * A server with a Redis and a PostgreSQL of its own, for faults that others must not notice.
 * @param options sizes of file systems of their own for the data, in MB (only root can mount them);
 * and whether the server has its pages, which must be built
 */
export async function openOutagesEnvironment(
  options: { redisMb?: number; postgresMb?: number; pages?: boolean } = {},
) {
  const mounted: string[] = []
  // Below the folder of the run, where a run that is killed finds services to end.
  async function folder(name: string, sizeMb: number | undefined): Promise<string> {
    const path = await mkdtemp(join(inject('runDir'), name))
    if (sizeMb !== undefined) {
      await run('mount', ['-t', 'tmpfs', '-o', `size=${sizeMb}m`, 'tmpfs', path])
      mounted.push(path)
    }
    await chmod(path, 0o711)
    return path
  }
  const folders = {
    redis: await folder('outages-redis-', options.redisMb),
    postgres: await folder('outages-postgres-', options.postgresMb),
  }
  const services = {
    redis: await ensureRedis({ dataDir: folders.redis }),
    postgres: await ensurePostgres({ dataDir: folders.postgres }),
  }
  const variables = {
    REDIS_URL: services.redis.url,
    DATABASE_URL: services.postgres.url,
    AUTH_SECRET: 'a secret that only this test knows, 32 or more',
    INDEX_DIR: 'none',
    LOG_LEVEL: process.env.TEST_LOG_LEVEL ?? 'fatal',
    // More than the default, because test machines are busy. `SHOW_OUTAGES=1` measures the default.
    REQUEST_TIMEOUT_MS: process.env.SHOW_OUTAGES ? '4500' : '12000',
    PORT: '0',
  }
  const server = options.pages
    ? await startServerProcess({ ...variables, NODE_ENV: 'production' }, 'server/main.ts')
    : await startServerProcess(variables)
  await makePeople(variables.DATABASE_URL, variables.AUTH_SECRET, server.url)
  const redis = new Redis(services.redis.url, { maxRetriesPerRequest: null })
  redis.on('error', () => {})

  async function request(
    method: 'GET' | 'POST',
    path: string,
    body?: object,
    headers?: Record<string, string>,
  ): Promise<Answer> {
    const begun = performance.now()
    const response = await fetch(`${server.url}${path}`, {
      method,
      headers: { origin: server.url, cookie, 'content-type': 'application/json', ...headers },
      ...(body ? { body: JSON.stringify(body) } : {}),
    })
    const text = await response.text()
    return {
      status: response.status,
      retryAfter: response.headers.get('retry-after'),
      text,
      ms: performance.now() - begun,
    }
  }
  const credentials = { email: 'user@example.com', password }
  let cookie = ''
  const signIn = await fetch(`${server.url}/api/auth/sign-in/email`, {
    method: 'POST',
    headers: { origin: server.url, 'content-type': 'application/json' },
    body: JSON.stringify(credentials),
  })
  cookie = signIn.headers
    .getSetCookie()
    .map((each) => each.split(';')[0])
    .join('; ')
  const waiting = { search: 'keywords', input: { q: 'redis' } }
  const { job } = JSON.parse((await request('POST', '/api/jobs', waiting)).text)

  const make: Record<Call, () => Promise<Answer>> = {
    start: () =>
      request('POST', '/api/jobs', { search: 'linking-domains', input: { domain: 'redis.io' } }),
    list: () => request('GET', '/api/jobs'),
    read: () => request('GET', `/api/jobs/${job.id}`),
    'sign in': () => request('POST', '/api/auth/sign-in/email', credentials),
    'get session': () => request('GET', '/api/auth/get-session'),
    'list sessions': () => request('GET', '/api/auth/list-sessions'),
    me: () => request('GET', '/api/me'),
    ready: () => request('GET', '/readyz'),
    metrics: () => request('GET', '/metrics'),
  }

  /** Makes all calls at the same time. */
  async function callAll(): Promise<Record<Call, Answer>> {
    const answers = await Promise.all(
      calls.map(async (call) => [call, await make[call]()] as const),
    )
    return Object.fromEntries(answers) as Record<Call, Answer>
  }

  async function cancelStarted(): Promise<void> {
    const { jobs } = JSON.parse((await make.list()).text)
    for (const { id, search, state } of jobs)
      if (search === 'linking-domains' && state === 'new')
        await request('POST', `/api/jobs/${id}/cancel`)
  }

  return {
    services,
    folders,
    redis,
    url: server.url,
    callAll,
    make,
    startWithKey: (key: string) =>
      request(
        'POST',
        '/api/jobs',
        { search: 'keyword-metrics', input: { keywords: 'redis' } },
        { 'idempotency-key': key },
      ),
    signOut: () => request('POST', '/api/auth/sign-out', {}),
    /** What a socket is refused with; null if it is taken. */
    async refusedSocket(): Promise<unknown> {
      const socket = io(server.url, {
        transports: ['websocket'],
        reconnection: false,
        extraHeaders: { cookie, origin: server.url },
      })
      try {
        return await new Promise((resolve) => {
          socket.once('connect', () => resolve(null))
          socket.once('connect_error', (error) => resolve('data' in error ? error.data : error))
        })
      } finally {
        socket.disconnect()
      }
    },
    /** Begins a call whose answer is read piece by piece. */
    open: (path: string) => fetch(`${server.url}${path}`, { headers: { cookie } }),
    /** Runs a statement in PostgreSQL. */
    async query(text: string): Promise<Record<string, unknown>[]> {
      const client = new Client({ connectionString: services.postgres.url })
      client.on('error', () => {})
      await client.connect()
      try {
        return (await client.query(text)).rows
      } finally {
        await client.end()
      }
    },
    /** Resolves when every call succeeds again. */
    async recovered(): Promise<void> {
      await expect
        .poll(async () => {
          const answers = await callAll()
          await cancelStarted()
          return calls.filter((call) => answers[call].status >= 400)
        })
        .toEqual([])
    },
    async restartPostgres(whileDown: () => Promise<void>): Promise<void> {
      await stopPostgres(services.postgres)
      try {
        await whileDown()
      } finally {
        const { port } = services.postgres
        services.postgres = await ensurePostgres({ dataDir: folders.postgres, port })
      }
    },
    async restartRedis(whileDown: () => Promise<void>): Promise<void> {
      await stopRedis(services.redis)
      try {
        await whileDown()
      } finally {
        const { port } = services.redis
        services.redis = await ensureRedis({ dataDir: folders.redis, port })
      }
    },
    async close(): Promise<void> {
      redis.disconnect()
      await stopProcess(server.child, 'SIGKILL')
      await Promise.all([stopRedis(services.redis), stopPostgres(services.postgres)])
      for (const path of mounted) await run('umount', [path])
    },
  }
}

export type OutagesEnvironment = Awaited<ReturnType<typeof openOutagesEnvironment>>

/** The processes of a service: its main process, then its children. */
export async function processesOf({ process: { pid } }: Service): Promise<number[]> {
  const { stdout } = await run('ps', ['-A', '-o', 'pid=,ppid='])
  const pairs = stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
  return [pid, ...pairs.flatMap(([child, parent]) => (parent === pid && child ? [child] : []))]
}

/** Stops a service without ending it, as a paused machine does. */
export async function freeze(service: Service, whileFrozen: () => Promise<void>): Promise<void> {
  const pids = await processesOf(service)
  for (const pid of pids) process.kill(pid, 'SIGSTOP')
  try {
    await whileFrozen()
  } finally {
    for (const pid of pids.reverse()) process.kill(pid, 'SIGCONT')
  }
}

/** Takes every connection that PostgreSQL grants, those of the server included. */
export async function takeAllConnections({ services }: OutagesEnvironment) {
  const clients: Client[] = []
  async function takeAll(): Promise<void> {
    for (;;) {
      const client = new Client({ connectionString: services.postgres.url })
      client.on('error', () => {})
      try {
        await client.connect()
      } catch {
        return // PostgreSQL grants no more.
      }
      clients.push(client)
    }
  }
  await takeAll()
  const [first] = clients
  if (!first) throw new Error('PostgreSQL grants no connection at all')
  await first.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where application_name = 'searchlight-server'`,
  )
  const left = async () =>
    (
      await first.query(
        `select 1 from pg_stat_activity where application_name = 'searchlight-server'`,
      )
    ).rowCount
  await expect.poll(left).toBe(0)
  await takeAll()
  return { release: () => Promise.all(clients.map((client) => client.end())) }
}

/** Writes a file that takes all free space of its file system. */
export async function fillDisk(path: string): Promise<void> {
  const file = await open(path, 'w')
  const piece = Buffer.alloc(4096)
  try {
    for (;;) await file.write(piece)
  } catch (error) {
    if (!isCode(error, 'ENOSPC')) throw error
  } finally {
    await file.close()
  }
}

/** What is promised is 5 s, and 2 s for `/readyz` and `/metrics`; test machines are busy. */
export const generousMs = 60_000

/**
 * Expects that the failing calls tell of the outage, in our shape and in time, and that all others
 * succeed.
 */
export async function expectOutage(
  env: OutagesEnvironment,
  { failing, reason }: { failing: readonly Call[]; reason: string },
): Promise<Record<Call, Answer>> {
  const answers = await env.callAll()
  if (process.env.SHOW_OUTAGES) process.stdout.write(table(reason, answers))
  for (const call of calls) {
    const { status, retryAfter, text, ms } = answers[call]
    expect(ms, call).toBeLessThan(generousMs)
    if (!failing.includes(call)) {
      expect(status, `${call}: ${text}`).toBeLessThan(300)
      continue
    }
    expect(status, `${call}: ${text}`).toBe(503)
    if (call === 'ready') {
      const problems = expect.arrayContaining([expect.objectContaining({ problem: reason })])
      expect(JSON.parse(text)).toMatchObject({ ready: false, problems })
      continue
    }
    const { error } = ErrorAnswer.parse(JSON.parse(text))
    expect(error).toMatchObject({ code: 'unavailable' })
    expect(error.message).toContain(reason)
    expect(error.message).toContain('If you run this installation: ')
    expect(retryAfter, call).toBe('5')
  }
  return answers
}

/** What `SHOW_OUTAGES=1` prints. */
function table(reason: string, answers: Record<Call, Answer>): string {
  const lines = calls.map(
    (call) => `${call.padEnd(14)} ${answers[call].status} ${Math.round(answers[call].ms)} ms`,
  )
  return [reason, ...lines, answers.start.text, answers.ready.text, ''].join('\n')
}
