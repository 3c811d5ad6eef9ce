import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { io, type Socket } from 'socket.io-client'
import { connectPostgres } from '#jobs/postgres/connect.ts'
import { typescript } from '#local/run-child.ts'
import { createApiKey } from '#server/accounts/api-keys.ts'
import { createAccount } from '#server/accounts/create-account.ts'
import { type ProgramFile, program } from '../programs.ts'
import { createDatabase, redisUrl, uniquePrefix } from '../services.ts'

export const root = fileURLToPath(new URL('../..', import.meta.url))

export const password = 'correct horse battery'

/** A new database and Redis prefix, as environment variables for the processes of one test. */
export async function testEnvironment(indexDir: string) {
  const database = await createDatabase()
  const environment = {
    REDIS_URL: redisUrl(),
    REDIS_PREFIX: uniquePrefix(),
    DATABASE_URL: database.url,
    AUTH_SECRET: 'a secret that only this test knows, 32 or more',
    INDEX_DIR: indexDir,
    // Slows searches down: tests kill processes during a search.
    INDEX_THREADS: '1',
    LOG_LEVEL: process.env.TEST_LOG_LEVEL ?? 'fatal',
    // A busy machine is no outage.
    REQUEST_TIMEOUT_MS: '120000',
    PORT: '0',
  }
  return { environment, drop: database.drop }
}

/** Starts a worker process; resolves when it takes jobs. */
export async function startWorker(
  environment: Record<string, string>,
  log: 'inherit' | 'ignore' = 'inherit',
  project = root,
): Promise<ChildProcess> {
  return (await startProcess('workers/main.ts', environment, log, project)).child
}

/** Starts a server process without pages; resolves when it answers. */
export async function startServerProcess(
  environment: Record<string, string>,
  file: ProgramFile = 'test/server/api-process.ts',
): Promise<{ child: ChildProcess; url: string }> {
  const { child, message } = await startProcess(file, environment)
  return { child, url: String(message.url) }
}

/** Resolves when the process reports over IPC that it is ready. */
async function startProcess(
  file: ProgramFile,
  environment: Record<string, string>,
  log: 'inherit' | 'ignore' = 'inherit',
  project = root,
) {
  const args = project === root ? await program(file) : typescript(file)
  const child = spawn(process.execPath, args, {
    cwd: project,
    env: { ...process.env, ...environment },
    stdio: ['ignore', log, 'inherit', 'ipc'],
  })
  const [message] = await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(([code]) => {
      throw new Error(`${file} ended with ${code} before it was ready`)
    }),
  ])
  if (message?.type !== 'ready') throw new Error(`Unexpected message ${JSON.stringify(message)}`)
  return { child, message }
}

export async function stopProcess(
  child: ChildProcess,
  signal: NodeJS.Signals = 'SIGTERM',
): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exit = once(child, 'exit')
  child.kill(signal)
  await exit
}

/** Calls the API with a key. */
export function apiClient(url: string, key: string) {
  return async (
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ) => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        Authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined
        ? {}
        : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    })
    const text = await response.text()
    return {
      status: response.status,
      headers: response.headers,
      body: response.headers.get('content-type')?.startsWith('application/json')
        ? JSON.parse(text)
        : text,
    }
  }
}

/** Creates the accounts of one test, each with an API key. */
export async function makePeople(
  databaseUrl: string,
  secret: string,
  publicUrl: string,
  prefix = '',
) {
  const postgres = connectPostgres(databaseUrl, { name: 'test' })
  const person = async (email: string, admin: boolean) => {
    const account = {
      email: `${prefix}${email}`,
      password,
      name: email,
      role: admin ? ('admin' as const) : ('user' as const),
    }
    const { userId } = await createAccount(account, {
      db: postgres.db,
      settings: { secret, publicUrl },
    })
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
  const socket = io(url, {
    transports: ['websocket'],
    auth: { apiKey },
    forceNew: true,
    reconnectionDelay: 50,
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', () => resolve())
    socket.once('connect_error', reject)
  })
  return socket
}
