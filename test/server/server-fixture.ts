import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { fileURLToPath } from 'node:url'
import { getRequestListener } from '@hono/node-server'
import { pino } from 'pino'
import { io, type Socket } from 'socket.io-client'
import { connectPostgres } from '#jobs/postgres/connect.ts'
import { readSettings } from '#jobs/settings.ts'
import { createApiKey } from '#server/accounts/api-keys.ts'
import { createAccount } from '#server/accounts/create-account.ts'
import { compose } from '#server/compose.ts'
import { listen } from '#server/listen.ts'
import { serverSettings } from '#server/settings.ts'
import { createDatabase, redisUrl, uniquePrefix } from '../services.ts'

export const root = fileURLToPath(new URL('../..', import.meta.url))

export const password = 'correct horse battery'

/** What every process of one test is told. */
export async function testEnvironment(indexDir: string) {
  const database = await createDatabase()
  const environment = {
    REDIS_URL: redisUrl(),
    REDIS_PREFIX: uniquePrefix(),
    DATABASE_URL: database.url,
    AUTH_SECRET: 'a secret that only this test knows, 32 or more',
    INDEX_DIR: indexDir,
    LOG_LEVEL: process.env.TEST_LOG_LEVEL ?? 'fatal',
    PORT: '0',
  }
  return { environment, drop: database.drop }
}

/** The server without its pages, in this process. */
export async function startServer(environment: Record<string, string>) {
  const settings = readSettings(serverSettings, environment)
  let answer: RequestListener = (_request, response) => response.writeHead(503).end()
  const server = createServer((request, response) => answer(request, response))
  const port = await listen(server, '127.0.0.1', 0)
  const url = `http://127.0.0.1:${port}`
  const composed = await compose(server, settings, url, pino({ level: settings.LOG_LEVEL }))
  answer = getRequestListener(composed.api.fetch, { overrideGlobalObjects: false })
  return { ...composed, url }
}

/** A worker process; resolves when it takes jobs. */
export async function startWorker(environment: Record<string, string>): Promise<ChildProcess> {
  const worker = spawn(process.execPath, ['--import', 'tsx', 'workers/main.ts'], {
    cwd: root,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const [message] = await Promise.race([
    once(worker, 'message'),
    once(worker, 'exit').then(([code]) => {
      throw new Error(`The worker ended with ${code} before it was ready`)
    }),
  ])
  if (message?.type !== 'ready') throw new Error(`Unexpected message ${JSON.stringify(message)}`)
  return worker
}

export async function stopProcess(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill(signal)
  await exit
}

/** A client of the API by key. */
export function apiClient(url: string, key: string) {
  return async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        Authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    return {
      status: response.status,
      headers: response.headers,
      body: response.headers.get('content-type')?.startsWith('application/json') ? JSON.parse(text) : text,
    }
  }
}

/** Accounts of one test, each with an API key. */
export async function makePeople(databaseUrl: string, secret: string, publicUrl: string) {
  const postgres = connectPostgres(databaseUrl, { name: 'test' })
  const person = async (email: string, admin: boolean) => {
    const account = {
      email,
      password,
      name: email,
      role: admin ? ('admin' as const) : ('user' as const),
    }
    const { userId } = await createAccount(account, { db: postgres.db, settings: { secret, publicUrl } })
    const { key } = await createApiKey({ userId, name: 'test', expiresAt: null }, postgres.db)
    return { userId, key }
  }
  try {
    return {
      admin: await person('admin@example.com', true),
      user: await person('user@example.com', false),
      other: await person('other@example.com', false),
    }
  } finally {
    await postgres.close()
  }
}

export async function connectSocket(url: string, apiKey: string): Promise<Socket> {
  const socket = io(url, { transports: ['websocket'], auth: { apiKey }, forceNew: true, reconnectionDelay: 50 })
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', () => resolve())
    socket.once('connect_error', reject)
  })
  return socket
}
