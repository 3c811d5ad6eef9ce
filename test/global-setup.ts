import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { chmod } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { z } from 'zod'
import { ensurePostgres, stopPostgres } from '#scripts/services/postgres.ts'
import { isRunning, markOf, ProcessMark } from '#scripts/services/process-mark.ts'
import { ensureRedis, stopRedis } from '#scripts/services/redis.ts'

declare module 'vitest' {
  interface ProvidedContext {
    redisUrl: string
    databaseUrl: string
  }
}

const prefix = 'searchlight-test-'

/** One real Redis and one real PostgreSQL for the whole run; each test takes its own prefix or database of them. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  removeLeftovers()
  const dataDir = mkdtempSync(join(tmpdir(), prefix))
  await chmod(dataDir, 0o711) // As root, PostgreSQL runs as another user, who has to get in.
  writeFileSync(join(dataDir, 'owner.json'), JSON.stringify(markOf(process.pid)))
  // Vitest leaves at once on Ctrl-C, without its teardown.
  const leave = () => removeRun(dataDir)
  process.once('exit', leave)

  const [redis, postgres] = await Promise.all([
    ensureRedis({ dataDir, durable: false }),
    ensurePostgres({ dataDir, durable: false }),
  ])
  project.provide('redisUrl', redis.url)
  project.provide('databaseUrl', postgres.url)

  return async () => {
    await Promise.all([stopRedis(redis), stopPostgres(postgres)])
    process.off('exit', leave)
    removeRun(dataDir)
  }
}

/** What runs that were killed have left behind. */
function removeLeftovers(): void {
  for (const name of readdirSync(tmpdir()).filter((name) => name.startsWith(prefix))) {
    const folder = join(tmpdir(), name)
    const owner = read(join(folder, 'owner.json'), ProcessMark)
    if (owner !== null && !isRunning(owner)) removeRun(folder)
  }
}

/** Without waiting for anything, as it is also called while the process exits. */
function removeRun(dataDir: string): void {
  for (const service of ['redis.json', 'postgres.json']) {
    const mark = read(join(dataDir, service), z.object({ process: ProcessMark }))?.process
    if (mark && isRunning(mark)) process.kill(mark.pid, 'SIGKILL')
  }
  rmSync(dataDir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
}

function read<Schema extends z.ZodType>(path: string, schema: Schema): z.output<Schema> | null {
  try {
    return schema.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch {
    return null // Not written yet: that run is about to begin, or ended before it had begun.
  }
}
