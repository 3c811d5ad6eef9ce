import { linkSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { CannotStart } from '../cannot-start.ts'
import { readRecord, writeRecord } from '../services/private-file.ts'
import { isRunning, markOf, ProcessMark } from '../services/process-mark.ts'

const Lock = z.object({
  process: ProcessMark,
  /** What people typed: `npm start`. */
  command: z.string().default('npm start'),
  url: z.string().nullable(),
  /** What it has started; a service has a record of its own. */
  programs: z.array(ProcessMark),
})
export type Lock = z.infer<typeof Lock>

/** Who runs Searchlight on this data folder now; null when nobody does. */
export function currentLock(dataDir: string): Lock | null {
  const lock = readRecord(lockPath(dataDir), Lock)
  return lock !== null && isRunning(lock.process) ? lock : null
}

export interface HeldLock {
  /**
   * Programs of an earlier start that was killed: they end by themselves, unless something keeps
   * them.
   */
  left: ProcessMark[]
  tell(facts: { url: string } | { started: ProcessMark }): void
  release(): void
}

/**
 * Makes this process the only one that runs Searchlight on this data folder.
 * @throws {CannotStart} when another one does.
 */
export function takeLock(dataDir: string, command: string): HeldLock {
  const path = lockPath(dataDir)
  const mine: Lock = { process: ownMark(), command, url: null, programs: [] }
  const draft = `${path}.new-${process.pid}`
  let left: ProcessMark[] = []
  writeRecord(draft, mine)
  try {
    for (;;) {
      const holder = currentLock(dataDir)
      if (holder !== null) throw new CannotStart(alreadyRuns(holder))
      left = readRecord(path, Lock)?.programs.filter(isRunning) ?? left
      rmSync(path, { force: true }) // Its holder is dead.
      if (linked(draft, path)) break
    }
  } finally {
    rmSync(draft, { force: true })
  }
  return {
    left,
    tell(facts) {
      if ('url' in facts) mine.url = facts.url
      else mine.programs = [...mine.programs.filter(isRunning), facts.started]
      writeRecord(path, mine)
    },
    release: () => {
      if (readRecord(path, Lock)?.process.pid === process.pid) rmSync(path, { force: true })
    },
  }
}

function alreadyRuns({ process, command, url }: Lock): string {
  const where = url === null ? 'is already being started here' : `already runs at ${url}`
  return `Searchlight ${where} (process ${process.pid}, ${command}). Stop it first, or set DATA_DIR and PORT to run another one beside it.`
}

/** A link is made by one of two who try at the same moment, never by both. */
function linked(draft: string, path: string): boolean {
  try {
    linkSync(draft, path)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

function ownMark(): ProcessMark {
  const mark = markOf(process.pid)
  if (mark === null) throw new Error('The system does not tell when this process was started.')
  return mark
}

function lockPath(dataDir: string): string {
  return join(dataDir, 'running.json')
}
