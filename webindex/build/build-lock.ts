import { randomUUID } from 'node:crypto'
import { link, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { BuildRunning } from '../errors.ts'
import { isAlive, isCode, keepFresh, readHolder, thisProcess } from '../lock-owner.ts'

/**
 * Lets one build at a time into an index folder, also where machines share it; the lock of a build
 * that was killed is taken over.
 * @returns what gives the lock back.
 * @throws {BuildRunning}
 */
export async function takeBuildLock(dir: string): Promise<() => Promise<void>> {
  const lockFile = join(dir, 'build.lock')
  const draft = `${lockFile}.${randomUUID()}`
  // Linked into place with its content, so that nobody sees an empty lock and takes it for a dead
  // one.
  await writeFile(draft, JSON.stringify(thisProcess))
  try {
    while (!(await linked(draft, lockFile))) await removeIfStale(lockFile)
  } finally {
    await rm(draft, { force: true })
  }
  const stopRenewing = keepFresh(lockFile)
  return async () => {
    stopRenewing()
    await rm(lockFile, { force: true })
  }
}

/** @throws {BuildRunning} when the holder is alive. */
async function removeIfStale(lockFile: string): Promise<void> {
  const found = await readIfThere(lockFile)
  if (found === null) return
  const holder = readHolder(found.text) // What was not written by us is held by nobody.
  if (holder && isAlive(holder, found.renewedAt)) throw new BuildRunning(holder, lockFile)

  // Two builds may find the same stale lock: the rename has one winner. If it caught a newer lock
  // than the one read, that goes back.
  const aside = `${lockFile}.${randomUUID()}`
  await rename(lockFile, aside).catch(unlessGone)
  const caught = await readIfThere(aside)
  if (caught !== null && caught.text !== found.text) await linked(aside, lockFile)
  await rm(aside, { force: true })
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if (isCode(error, 'EEXIST')) return false
    throw error
  }
}

async function readIfThere(file: string): Promise<{ text: string; renewedAt: number } | null> {
  try {
    return { text: await readFile(file, 'utf8'), renewedAt: (await stat(file)).mtimeMs }
  } catch (error) {
    unlessGone(error)
    return null
  }
}

function unlessGone(error: unknown): void {
  if (!isCode(error, 'ENOENT')) throw error
}
