import { randomUUID } from 'node:crypto'
import { link, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { z } from 'zod'
import { isCode } from './error-code.ts'
import { isFresh, keepFresh } from './heartbeat.ts'
import { isAlive, ownIdentity, ProcessIdentity } from './process-identity.ts'

/** The second form is the build lock or lease of an earlier version. */
const Owner = z.union([
  z.object({ process: ProcessIdentity }).transform((owned) => owned.process),
  ProcessIdentity,
])

/** The content and state of a file that belongs to a process. */
export interface OwnedFile {
  /** Null if the file can't be read. */
  owner: ProcessIdentity | null
  /** Whether the owner is alive. A file without a readable owner is held as long as it is fresh. */
  held: boolean
  /** Everything in the file, parsed as JSON. */
  content: unknown
}

/** The lock belongs to another process. */
export class LockHeld extends Error {
  override name = 'LockHeld'
  readonly lock: OwnedFile
  constructor(path: string, lock: OwnedFile) {
    super(`${path} is held by ${lock.owner ? `process ${lock.owner.pid}` : 'another process'}`)
    this.lock = lock
  }
}

export interface HeldLock {
  /** The content that a dead owner left in the file; null if there was no file. */
  leftBehind: unknown
  /** Replaces the facts in the file. */
  write(facts: object): Promise<void>
  release(): Promise<void>
}

/**
 * Takes a lock that one process at a time can hold, even if machines share the folder. Takes over
 * the lock of a dead process.
 * @param facts written to the file besides its owner.
 * @throws {LockHeld}
 */
export async function takeLock(path: string, facts: object = {}): Promise<HeldLock> {
  const tmp = `${path}.${randomUUID()}`
  await writeFile(tmp, textOf(facts))
  try {
    for (;;) {
      // A link puts the file in place with its content; an empty lock file would look stale.
      if (await tryLink(tmp, path)) return heldLock(path, facts, null)
      const found = await readOwnedFile(path)
      if (found?.held) throw new LockHeld(path, found)
      if (found && (await takeOver(path, tmp))) return heldLock(path, facts, found.content)
    }
  } finally {
    await rm(tmp, { force: true })
  }
}

/**
 * Replaces a stale lock. If two processes find the same one, the slower must not replace the new
 * lock of the faster, so the takeover needs a lock as well.
 * @returns false if the stale lock has gone.
 * @throws {LockHeld}
 */
async function takeOver(path: string, tmp: string): Promise<boolean> {
  const takeover = await takeLock(`${path}.takeover`)
  try {
    const found = await readOwnedFile(path)
    if (found?.held) throw new LockHeld(path, found)
    if (found) await rename(tmp, path)
    return found !== null
  } finally {
    await takeover.release()
  }
}

/** Reads the file of a lock or a lease, and whether its owner is alive; null if it is missing. */
export async function readOwnedFile(path: string): Promise<OwnedFile | null> {
  try {
    const text = await readFile(path, 'utf8')
    const renewedAt = (await stat(path)).mtimeMs
    const content = parseJson(text)
    const owner = Owner.safeParse(content).data ?? null
    return { owner, held: owner ? isAlive(owner, renewedAt) : isFresh(renewedAt), content }
  } catch (error) {
    if (isCode(error, 'ENOENT')) return null
    throw error
  }
}

/** The text of a file that this process holds, as `readOwnedFile` reads it. Keep it fresh. */
export function textOf(facts: object = {}): string {
  return `${JSON.stringify({ process: ownIdentity(), ...facts }, null, 2)}\n`
}

function heldLock(path: string, facts: object, leftBehind: unknown): HeldLock {
  const stopRenewing = keepFresh(path)
  let text = textOf(facts)
  let writing = Promise.resolve()
  async function replace(next: string) {
    const tmp = `${path}.${randomUUID()}`
    await writeFile(tmp, next)
    await rename(tmp, path)
    text = next
  }
  return {
    leftBehind,
    write(facts) {
      writing = writing.catch(() => {}).then(() => replace(textOf(facts)))
      return writing
    },
    async release() {
      stopRenewing()
      await writing.catch(() => {}) // Reported to the caller of `write`.
      // Another machine may have taken it over, if this one did not renew it for too long.
      if ((await readFile(path, 'utf8').catch(() => null)) === text) await rm(path, { force: true })
    },
  }
}

/** Linking is atomic: of two processes that try at once, only one succeeds. */
async function tryLink(tmp: string, path: string): Promise<boolean> {
  try {
    await link(tmp, path)
    return true
  } catch (error) {
    if (isCode(error, 'EEXIST')) return false
    throw error
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
