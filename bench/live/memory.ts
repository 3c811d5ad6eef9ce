import { readFileSync } from 'node:fs'
import { Redis } from 'ioredis'
import { manyTimes } from '../measure.ts'
import type { Ground } from './contender.ts'
import { openRuns, searchlight } from './searchlight.ts'
import { startServerProcess } from './server-process.ts'
import { openPlain, openSocketIo } from './wire-client.ts'

/** Connections that are open before counting begins: by then all code is loaded and has run. */
const atFirst = 500
const wanted = 5_000

interface Idle {
  server: string
  connect(url: string, ground: Ground, jobId: string): Promise<{ close(): void }>
  /** Whether each connection has a job of its own. */
  jobs: boolean
}

const authenticated = (url: string, { apiKey }: Ground) => openSocketIo(url, apiKey, () => {})

/** Connections that do nothing. */
export const idle = {
  'bare Socket.IO': { server: 'bare-server.ts', jobs: false, connect: authenticated },
  raw: { server: 'raw-server.ts', jobs: false, connect: (url) => openPlain(url, () => {}) },
  searchlight: { server: 'searchlight-server.ts', jobs: false, connect: authenticated },
  'searchlight, each watches a job': {
    server: 'searchlight-server.ts',
    jobs: true,
    connect: (url, ground, jobId) => searchlight.watch(url, [jobId], ground, () => {}),
  },
} satisfies Record<string, Idle>

/** Bytes per connection of the server process. */
export interface IdleMemory {
  rss: number
  heapUsed: number
}

/** How many connections are counted: fewer where a process may not open so many. */
export function connectionsAllowed(): number {
  const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? []
  const allowed = Math.min(wanted, Number(soft ?? wanted) - atFirst - 200)
  if (allowed < wanted)
    console.log(
      `A process may open ${soft} files here, so memory is measured with ${allowed} connections instead of ${wanted}.`,
    )
  return allowed
}

export async function measureMemory(
  kind: Idle,
  connections: number,
  ground: Ground,
): Promise<IdleMemory> {
  const redis = new Redis(ground.redis)
  await redis.flushall()
  redis.disconnect()
  const server = await startServerProcess(kind.server, ground)
  const publisher = await openRuns(ground)
  const open: { close(): void }[] = []
  const add = (count: number) =>
    manyTimes(count, 50, async () =>
      open.push(await kind.connect(server.url, ground, kind.jobs ? await publisher.begin() : '')),
    )
  await add(atFirst)
  const before = await server.ask('memory')
  await add(connections)
  const after = await server.ask('memory')
  for (const client of open) client.close()
  await publisher.close()
  await server.stop()
  return {
    rss: (after.rss - before.rss) / connections,
    heapUsed: (after.heapUsed - before.heapUsed) / connections,
  }
}
