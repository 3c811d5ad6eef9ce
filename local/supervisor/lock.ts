import { join } from 'node:path'
import { z } from 'zod'
import { LockHeld, readOwnedFile, takeLock as takeLockFile } from '#processes/lock-file.ts'
import { isRunning, ownIdentity, ProcessIdentity } from '#processes/process-identity.ts'
import { CannotStart } from '../cannot-start.ts'

/** The content of `running.json` besides its owner. */
const Facts = z.object({
  /** The command that the user typed. */
  command: z.string().default('npm start'),
  url: z.string().nullable(),
  /** The programs that were started. Services have their own records. */
  programs: z.array(ProcessIdentity),
})
type Facts = z.infer<typeof Facts>

export interface RunningLock {
  /** Programs of an earlier start that was killed. They exit by themselves, unless they hang. */
  leftRunning: ProcessIdentity[]
  setUrl(url: string): Promise<void>
  addProgram(program: ProcessIdentity): Promise<void>
  release(): Promise<void>
}

/** Whether Searchlight is running on this data folder. */
export async function isLocked(dataDir: string): Promise<boolean> {
  return (await readOwnedFile(lockPath(dataDir)))?.held ?? false
}

/**
 * Makes this process the only one that runs Searchlight on this data folder.
 * @param command as the user typed it: `npm start`.
 * @throws {CannotStart} if another process does.
 */
export async function takeRunningLock(dataDir: string, command: string): Promise<RunningLock> {
  const path = lockPath(dataDir)
  const facts: Facts = { command, url: null, programs: [] }
  const lock = await takeLockFile(path, facts).catch((error) => {
    throw error instanceof LockHeld ? new CannotStart(alreadyRuns(error, path)) : error
  })
  const leftRunning = Facts.safeParse(lock.leftBehind).data?.programs.filter(isRunning) ?? []
  facts.programs = leftRunning
  return {
    leftRunning,
    setUrl(url) {
      facts.url = url
      return lock.write(facts)
    },
    addProgram(program) {
      facts.programs = [...facts.programs.filter(isRunning), program]
      return lock.write(facts)
    },
    release: lock.release,
  }
}

function alreadyRuns({ lock: { owner, content } }: LockHeld, path: string): string {
  if (owner === null)
    return `Searchlight may be running on this data: ${path} was written less than a minute ago, and can't be read. If it isn't running, delete that file.`
  const { command, url } = Facts.catch({ command: 'npm start', url: null, programs: [] }).parse(
    content,
  )
  const where = url === null ? 'is already being started here' : `already runs at ${url}`
  const host = owner.hostname === ownIdentity().hostname ? '' : ` on ${owner.hostname}`
  return `Searchlight ${where} (process ${owner.pid}${host}, ${command}). Stop it first, or set DATA_DIR and PORT to run another one beside it.`
}

function lockPath(dataDir: string): string {
  return join(dataDir, 'running.json')
}
