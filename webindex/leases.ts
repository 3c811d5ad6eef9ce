import { randomUUID } from 'node:crypto'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isCode } from '#processes/error-code.ts'
import { keepFresh } from '#processes/heartbeat.ts'
import { readOwnedFile, textOf } from '#processes/lock-file.ts'
import { type Manifest, readManifest } from './manifest.ts'

/** Keeps a generation from being deleted while it is read. */
export interface Lease {
  manifest: Manifest
  /**
   * Ends the lease, and deletes a generation that has been replaced and has no other reader. Never
   * rejects.
   */
  end(): Promise<void>
}

const usesOf = (dir: string) => join(dir, 'uses')

/**
 * Leases the live generation for reading. The lease is written between two reads of the manifest: a
 * build that replaces the generation after the second read finds the lease, and that read detects
 * an earlier replacement. A folder that isn't writable is read without a lease.
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
  // The next build removes what can't be removed now, so the reader can ignore the error.
  return () => (ending ??= end().catch(() => {}))
}

/** @returns the lease's file; null if the folder isn't writable. */
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
 * Removes the remains of killed builds, the leases of dead readers, and every unread generation but
 * the live one. The caller must hold the build lock.
 */
export async function removeUnused(dir: string, liveId: string): Promise<void> {
  for (const name of await readdir(dir)) {
    const id = /^gen-([\w-]+)$/.exec(name)?.[1]
    if (id && id !== liveId) await removeIfUnused(dir, id)
  }
  await countReaders(dir, () => true)
}

async function removeIfUnused(dir: string, id: string): Promise<void> {
  const readers = await countReaders(dir, (lease) => lease.startsWith(`${id}.`))
  if (readers === 0)
    await rm(join(dir, `gen-${id}`), { recursive: true, force: true, maxRetries: 3 })
}

/** Removes the leases of dead readers among the matching ones. @returns the number of the others */
async function countReaders(dir: string, matches: (lease: string) => boolean): Promise<number> {
  let readers = 0
  for (const name of await namesIn(usesOf(dir))) {
    if (!matches(name)) continue
    const file = join(usesOf(dir), name)
    // A fresh lease that is unreadable may still be in the middle of being written.
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
