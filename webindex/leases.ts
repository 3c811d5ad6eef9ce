import { randomUUID } from 'node:crypto'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isCode } from '#processes/error-code.ts'
import { keepFresh } from '#processes/heartbeat.ts'
import { readOwnedFile, textOf } from '#processes/lock-file.ts'
import { type Manifest, readManifest } from './manifest.ts'

/** A generation that stays as long as somebody reads it. */
export interface Lease {
  manifest: Manifest
  /**
   * Lets go of it; a generation that was replaced meanwhile goes with its last reader. Never fails.
   */
  end(): Promise<void>
}

const usesOf = (dir: string) => join(dir, 'uses')

/**
 * Takes the live generation for reading. The lease is written between two looks at the manifest: a
 * build that replaces it after the second look finds the lease, and one that did so before shows. A
 * folder that can't be written is read without a lease.
 * @throws {NoIndex} @throws {BrokenIndex}
 */
export async function leaseLiveGeneration(dir: string): Promise<Lease> {
  for (;;) {
    const manifest = await readManifest(dir)
    const file = await writeLease(dir, manifest.id)
    if (!file) return { manifest, end: async () => {} }
    const stopRenewing = keepFresh(file)
    const removeLease = async () => {
      stopRenewing()
      await rm(file, { force: true })
    }
    try {
      const again = await readManifest(dir)
      if (again.id === manifest.id)
        return { manifest: again, end: endOnce(dir, again.id, removeLease) }
      await removeLease()
    } catch (error) {
      await removeLease()
      throw error
    }
  }
}

function endOnce(dir: string, id: string, removeLease: () => Promise<void>): () => Promise<void> {
  let ending: Promise<void> | undefined
  async function end() {
    await removeLease()
    if ((await readManifest(dir)).id !== id) await removeIfUnused(dir, id)
  }
  // What can't be removed now is removed by the next build; whoever has finished reading has
  // nothing to do about it.
  return () => (ending ??= end().catch(() => {}))
}

/** @returns null where nothing can be written. */
async function writeLease(dir: string, id: string): Promise<string | null> {
  const file = join(usesOf(dir), `${id}.${randomUUID()}.json`)
  try {
    await mkdir(usesOf(dir), { recursive: true })
    await writeFile(file, textOf())
    return file
  } catch (error) {
    if (isCode(error, 'EROFS', 'EACCES', 'EPERM', 'ENOSPC')) return null
    throw error
  }
}

/**
 * Removes what killed builds left, the leases of dead readers, and every generation but the live
 * one that nobody reads. Only for who holds the build lock.
 */
export async function removeUnused(dir: string, liveId: string): Promise<void> {
  for (const name of await readdir(dir)) {
    const id = /^gen-([\w-]+)$/.exec(name)?.[1]
    if (id && id !== liveId) await removeIfUnused(dir, id)
  }
  await readersOf(dir, () => true)
}

async function removeIfUnused(dir: string, id: string): Promise<void> {
  const readers = await readersOf(dir, (lease) => lease.startsWith(`${id}.`))
  if (readers === 0)
    await rm(join(dir, `gen-${id}`), { recursive: true, force: true, maxRetries: 3 })
}

/** @returns how many live readers there are among these leases; those of dead ones are removed. */
async function readersOf(dir: string, isMeant: (lease: string) => boolean): Promise<number> {
  let readers = 0
  for (const name of await namesIn(usesOf(dir))) {
    if (!isMeant(name)) continue
    const file = join(usesOf(dir), name)
    // An unreadable lease that is fresh may be about to be written.
    if ((await readOwnedFile(file))?.held) readers++
    else await rm(file, { force: true })
  }
  return readers
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (isCode(error, 'ENOENT')) return []
    throw error
  }
}
