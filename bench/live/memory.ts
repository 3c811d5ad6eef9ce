import { readFileSync } from 'node:fs'
import { Redis } from 'ioredis'
import { manyTimes } from '../measure.ts'
import type { BenchEnvironment } from './contender.ts'
import { openRuns, searchlight } from './searchlight.ts'
import { startServerProcess } from './server-process.ts'
import { openPlain, openSocketIo } from './wire-client.ts'

/** Connections opened before measuring, so that all code is loaded and has run. */
const warmUpConnections = 500
const wanted = 5_000

interface Idle {
  server: string
  connect(url: string, env: BenchEnvironment, jobId: string): Promise<{ close(): void }>
  /** Whether each connection has a job of its own. */
  jobs: boolean
}

const authenticated = (url: string, { apiKey }: BenchEnvironment) =>
  openSocketIo(url, apiKey, () => {})

/** Kinds of idle connections. */
export const idle = {
  'bare Socket.IO': { server: 'bare-server.ts', jobs: false, connect: authenticated },
  raw: { server: 'raw-server.ts', jobs: false, connect: (url) => openPlain(url, () => {}) },
  searchlight: { server: 'searchlight-server.ts', jobs: false, connect: authenticated },
  'searchlight, each watches a job': {
    server: 'searchlight-server.ts',
    jobs: true,
    connect: (url, env, jobId) => searchlight.watch(url, [jobId], env, () => {}),
  },
} satisfies Record<string, Idle>

/** Memory of the server process, in bytes per connection. */
export interface IdleMemory {
  rss: number
  heapUsed: number
}

/** The number of connections to measure, limited by the files that a process may open. */
export function connectionsAllowed(): number {
  const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
  const allowed = Math.min(wanted, Number(soft ?? wanted) - warmUpConnections - 200)
  if (allowed < wanted)
    console.log(
      `A process may open only ${soft} files here, so memory is measured with ${allowed} connections instead of ${wanted}.`,
    )
  return allowed
}

export async function measureMemory(
  kind: Idle,
  connections: number,
  env: BenchEnvironment,
): Promise<IdleMemory> {
  const redis = new Redis(env.redis)
  await redis.flushall()
  redis.disconnect()
  const server = await startServerProcess(kind.server, env)
  const publisher = await openRuns(env)
  const open: { close(): void }[] = []
  const add = (count: number) =>
    manyTimes(count, 50, async () =>
      open.push(await kind.connect(server.url, env, kind.jobs ? await publisher.begin() : '')),
    )
  await add(warmUpConnections)
  const before = await server.measure('memory')
  await add(connections)
  const after = await server.measure('memory')
  for (const client of open) client.close()
  await publisher.close()
  await server.stop()
  return {
    rss: (after.rss - before.rss) / connections,
    heapUsed: (after.heapUsed - before.heapUsed) / connections,
  }
}
