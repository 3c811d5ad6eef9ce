import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { chmod } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { z } from 'zod'
import { ensurePostgres, stopPostgres } from '#local/services/postgres.ts'
import { ensureRedis, stopRedis } from '#local/services/redis.ts'
import { identityOf, isRunning, ProcessIdentity } from '#processes/process-identity.ts'

declare module 'vitest' {
  interface ProvidedContext {
    redisUrl: string
    databaseUrl: string
    /** Removed after the run, with whatever still runs in its folders. */
    runDir: string
  }
}

const StartedHere = z.object({
  process: ProcessIdentity.nullable(),
  programs: z.array(ProcessIdentity).default([]),
})
const prefix = 'searchlight-test-'

/**
 * One real Redis and one real PostgreSQL for the whole run; each test takes its own prefix or
 * database of them.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  removeLeftovers()
  const dataDir = mkdtempSync(join(tmpdir(), prefix))
  await chmod(dataDir, 0o711) // As root, PostgreSQL runs as another user, who has to get in.
  writeFileSync(join(dataDir, 'owner.json'), JSON.stringify(identityOf(process.pid)))
  // Vitest leaves at once on Ctrl-C, without its teardown.
  const leave = () => removeRun(dataDir)
  process.once('exit', leave)

  const [redis, postgres] = await Promise.all([
    ensureRedis({ dataDir, durable: false }),
    ensurePostgres({ dataDir, durable: false }),
  ])
  project.provide('runDir', dataDir)
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
    const owner = read(join(folder, 'owner.json'), ProcessIdentity)
    // Without an owner it is just being made, or a test that outlived its run has gone on to write
    // there.
    const abandoned =
      owner === null ? Date.now() - statSync(folder).mtimeMs > 60_000 : !isRunning(owner)
    if (abandoned) removeRun(folder)
  }
}

/** Without waiting for anything, as it is also called while the process exits. */
function removeRun(runDir: string): void {
  const folders = readdirSync(runDir, { withFileTypes: true }).filter((entry) =>
    entry.isDirectory(),
  )
  for (const folder of [runDir, ...folders.map(({ name }) => join(runDir, name))]) {
    for (const mark of marksIn(folder)) if (isRunning(mark)) process.kill(mark.pid, 'SIGKILL')
  }
  rmSync(runDir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
}

/**
 * The processes of whatever was started with this data folder; that which starts the others first.
 */
function marksIn(dataDir: string): ProcessIdentity[] {
  return ['running.json', 'redis.json', 'postgres.json'].flatMap((name) => {
    const record = read(join(dataDir, name), StartedHere)
    return record === null
      ? []
      : [record.process, ...record.programs].filter((mark) => mark !== null)
  })
}

function read<Schema extends z.ZodType>(path: string, schema: Schema): z.output<Schema> | null {
  try {
    return schema.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch {
    return null // Not written yet: that run is about to begin, or ended before it had begun.
  }
}
