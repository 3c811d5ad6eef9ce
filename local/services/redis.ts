import { randomBytes } from 'node:crypto'
import { mkdirSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { z } from 'zod'
import { endProcess } from '#processes/end-process.ts'
import { identityOf, isRunning, ProcessIdentity } from '#processes/process-identity.ts'
import { freePort } from './free-port.ts'
import { launch, ServicePortTaken } from './launch.ts'
import { readRecord, writeRecord } from './private-file.ts'
import { redisBinary } from './redis-binary.ts'
import type { Service, ServiceOptions } from './service.ts'

const RedisRecord = z.object({
  port: z.number(),
  password: z.string(),
  process: ProcessIdentity.nullable(),
})
type RedisRecord = z.infer<typeof RedisRecord>

/**
 * The Redis of this data folder: the one that is running, else a new one on the same data.
 * @throws {CannotStart}
 */
export async function ensureRedis(options: ServiceOptions): Promise<Service> {
  mkdirSync(join(options.dataDir, 'redis'), { recursive: true, mode: 0o700 })
  const known = readRecord(recordPath(options), RedisRecord)
  if (known !== null) {
    const running = await adopt(known, options)
    if (running !== null) return running
    // It may still run without answering correctly, and two must not use the same files.
    if (known.process !== null) await endProcess(known.process, [...fast])
  }
  const binary = await redisBinary(options.say ?? (() => {}))
  const password = known?.password ?? randomBytes(24).toString('base64url')
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(binary, password, options.port ?? (await freePort(known?.port)), options)
    } catch (error) {
      if (!(error instanceof ServicePortTaken) || options.port !== undefined || attempt === 3)
        throw error
    }
  }
}

/** Shuts Redis down once everything is on disk. Keeps the data. */
export async function stopRedis(service: Service): Promise<void> {
  await endProcess(service.process, [...graceful])
}

const graceful = [
  ['SIGTERM', 10_000],
  ['SIGKILL', 5_000],
] as const satisfies [NodeJS.Signals, number][]
const fast = [
  ['SIGTERM', 2_000],
  ['SIGKILL', 5_000],
] as const satisfies [NodeJS.Signals, number][]

async function adopt(known: RedisRecord, options: ServiceOptions): Promise<Service | null> {
  if (known.process === null || !isRunning(known.process)) return null
  if (options.port !== undefined && options.port !== known.port) return null
  const pid = await findServerPid(known, options)
  const identity = pid === null ? null : identityOf(pid)
  return (
    identity && {
      name: 'redis',
      url: urlOf(known),
      port: known.port,
      process: identity,
      adopted: true,
    }
  )
}

async function start(
  binary: string,
  password: string,
  port: number,
  options: ServiceOptions,
): Promise<Service> {
  const record: RedisRecord = { port, password, process: null }
  const identity = await launch({
    title: 'Redis',
    command: binary,
    args: ['-'], // Reads the settings from standard input, which hides the password.
    input: settings(record, options),
    log: join(options.dataDir, 'redis.log'),
    onStart: (identity) => writeRecord(recordPath(options), { ...record, process: identity }),
    isReady: async () => (await findServerPid(record, options)) !== null,
  })
  return { name: 'redis', url: urlOf(record), port, process: identity, adopted: false }
}

function settings({ port, password }: RedisRecord, options: ServiceOptions): string {
  const folder = JSON.stringify(join(options.dataDir, 'redis'))
  const durable = options.durable ?? true
  return [
    'bind 127.0.0.1',
    `port ${port}`,
    `requirepass ${password}`,
    `dir ${folder}`,
    `appendonly ${durable ? 'yes' : 'no'}`,
    'appendfsync everysec',
    'save ""',
    'maxmemory-policy noeviction',
    '',
  ].join('\n')
}

/** The pid of the Redis that accepts our password and keeps its files in our folder, or null. */
async function findServerPid(record: RedisRecord, options: ServiceOptions): Promise<number | null> {
  const client = new Redis(urlOf(record), {
    lazyConnect: true,
    connectTimeout: 2_000,
    commandTimeout: 2_000,
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
  })
  client.on('error', () => {}) // connect() rejects with the same error.
  try {
    await client.connect()
    const [, folder] = z.tuple([z.string(), z.string()]).parse(await client.config('GET', 'dir'))
    if (realpathSync(folder) !== realpathSync(join(options.dataDir, 'redis'))) return null
    return Number(/process_id:(\d+)/.exec(await client.info('server'))?.[1])
  } catch {
    return null // Not ready yet, not ours, or hanging. Callers treat all of them alike.
  } finally {
    client.disconnect()
  }
}

function urlOf({ port, password }: RedisRecord): string {
  return `redis://:${password}@127.0.0.1:${port}`
}

function recordPath(options: ServiceOptions): string {
  return join(options.dataDir, 'redis.json')
}
