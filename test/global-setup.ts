import { execFile } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { chmod } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { TestProject } from 'vitest/node'
import { z } from 'zod'
import type { Service } from '#local/services/service.ts'
import { identityOf, isRunning, ProcessIdentity } from '#processes/process-identity.ts'
import { serveOnDemand } from './on-demand.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Removed after the run; processes that still run in its folders are killed. */
    runDir: string
  }
}

const Record = z.object({
  process: ProcessIdentity.nullable(),
  programs: z.array(ProcessIdentity).default([]),
})
const prefix = 'searchlight-test-'

/**
 * Creates the folder of the run and provides the resources that tests share: one Redis, one
 * PostgreSQL, the compiled programs. The first test that needs a resource creates it; services stop
 * after the last test.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  removeLeftovers()
  const dataDir = mkdtempSync(join(tmpdir(), prefix))
  await chmod(dataDir, 0o711) // If we are root, PostgreSQL runs as another user, who must enter.
  writeFileSync(join(dataDir, 'owner.json'), JSON.stringify(identityOf(process.pid)))
  // On Ctrl-C, Vitest exits at once, without the teardown.
  const onExit = () => removeRun(dataDir)
  process.once('exit', onExit)

  let compiled: Promise<string> | undefined
  const stops: (() => Promise<void>)[] = []
  const started = async (service: Service, stop: (service: Service) => Promise<void>) => {
    stops.push(() => stop(service))
    return service.url
  }
  // Imported on demand, because they are slow to load.
  const resources = await serveOnDemand({
    async redis() {
      const { ensureRedis, stopRedis } = await import('#local/services/redis.ts')
      return started(await ensureRedis({ dataDir, durable: false }), stopRedis)
    },
    async postgres() {
      const { ensurePostgres, stopPostgres } = await import('#local/services/postgres.ts')
      return started(await ensurePostgres({ dataDir, durable: false }), stopPostgres)
    },
    async programs() {
      compiled ??= compile(dataDir)
      return compiled
    },
    async 'starter-index'() {
      compiled ??= compile(dataDir)
      const dir = join(dataDir, 'starter-index')
      mkdirSync(dir)
      writeFileSync(join(dir, 'current.json'), JSON.stringify({ format: 1 }))
      const command = [join(await compiled, 'scripts/index.js'), 'starter', '--if-missing']
      const env = { ...process.env, INDEX_DIR: dir }
      const { stdout } = await promisify(execFile)(process.execPath, command, { env })
      return { dir, stdout }
    },
  })
  project.provide('runDir', dataDir)
  project.provide('onDemandUrl', resources.url)

  return async () => {
    await resources.close()
    await Promise.all(stops.map((stop) => stop()))
    process.off('exit', onExit)
    removeRun(dataDir)
  }
}

async function compile(dataDir: string): Promise<string> {
  const { buildPrograms } = await import('./build-programs.ts')
  const folder = join(dataDir, 'compiled')
  await buildPrograms(folder)
  return folder
}

/** Removes the folders of killed runs. */
function removeLeftovers(): void {
  for (const name of readdirSync(tmpdir()).filter((name) => name.startsWith(prefix))) {
    const folder = join(tmpdir(), name)
    try {
      const owner = read(join(folder, 'owner.json'), ProcessIdentity)
      // Without an owner, the folder is just being created, or a test that outlived its run has
      // written to it.
      const abandoned =
        owner === null ? Date.now() - statSync(folder).mtimeMs > 60_000 : !isRunning(owner)
      if (abandoned) removeRun(folder)
    } catch {
      // Another run has removed it, or a killed run has left a mounted file system in it, which
      // stays until someone unmounts it. Neither concerns this run.
    }
  }
}

/** Synchronous, because it is also called while the process exits. */
function removeRun(runDir: string): void {
  const folders = readdirSync(runDir, { withFileTypes: true }).filter((entry) =>
    entry.isDirectory(),
  )
  for (const folder of [runDir, ...folders.map(({ name }) => join(runDir, name))]) {
    for (const identity of processesOf(folder))
      if (isRunning(identity)) process.kill(identity.pid, 'SIGKILL')
  }
  rmSync(runDir, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
}

/** The processes started with this data folder. The supervisor, which restarts others, is first. */
function processesOf(dataDir: string): ProcessIdentity[] {
  return ['running.json', 'redis.json', 'postgres.json'].flatMap((name) => {
    const record = read(join(dataDir, name), Record)
    return record === null
      ? []
      : [record.process, ...record.programs].filter((identity) => identity !== null)
  })
}

function read<Schema extends z.ZodType>(path: string, schema: Schema): z.output<Schema> | null {
  try {
    return schema.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch {
    return null // Not written yet: the run is starting, or was killed while starting.
  }
}
