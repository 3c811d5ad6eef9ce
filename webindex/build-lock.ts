import { randomUUID } from 'node:crypto'
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { BuildRunning } from './errors.ts'

/** Who holds the lock. `startedAt` tells processes with the same number apart: containers hand out the same few again. */
const Holder = z.object({ pid: z.number().int().positive(), startedAt: z.number() })
type Holder = z.infer<typeof Holder>

/**
 * Lets one build at a time into an index folder; the lock of a build that was killed is taken over.
 * @returns what gives the lock back.
 * @throws {BuildRunning}
 */
export async function takeBuildLock(dir: string): Promise<() => Promise<void>> {
  const lockFile = join(dir, 'build.lock')
  const draft = `${lockFile}.${randomUUID()}`
  const me: Holder = { pid: process.pid, startedAt: performance.timeOrigin }
  // Linked into place with its content, so that nobody sees an empty lock and takes it for a dead one.
  await writeFile(draft, JSON.stringify(me))
  try {
    while (!(await linked(draft, lockFile))) await removeIfStale(lockFile)
  } finally {
    await rm(draft, { force: true })
  }
  return () => rm(lockFile, { force: true })
}

/** @throws {BuildRunning} when the holder is alive. */
async function removeIfStale(lockFile: string): Promise<void> {
  const text = await readIfThere(lockFile)
  if (text === null) return
  const holder = readHolder(text)
  if (holder && isAlive(holder)) throw new BuildRunning(holder.pid, lockFile)

  // Two builds may find the same stale lock: the rename has one winner. If it caught a newer lock than the one read, that goes back.
  const aside = `${lockFile}.${randomUUID()}`
  await rename(lockFile, aside).catch(unlessCode('ENOENT'))
  const caught = await readIfThere(aside)
  if (caught !== null && caught !== text) await linked(aside, lockFile)
  await rm(aside, { force: true })
}

function readHolder(text: string): Holder | null {
  try {
    return Holder.safeParse(JSON.parse(text)).data ?? null
  } catch {
    return null // Not written by us: nobody holds it.
  }
}

function isAlive({ pid, startedAt }: Holder): boolean {
  if (pid === process.pid) return startedAt === performance.timeOrigin
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return isCode(error, 'EPERM') // Alive, and someone else's.
  }
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

async function readIfThere(file: string): Promise<string | null> {
  return (await readFile(file, 'utf8').catch(unlessCode('ENOENT'))) ?? null
}

function unlessCode(code: string) {
  return (error: unknown): undefined => {
    if (!isCode(error, code)) throw error
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
