import { statfs } from 'node:fs/promises'
import { NotEnoughDisk } from '../errors.ts'
import { type Manifest, sizeOf } from '../manifest.ts'

const alwaysFree = 64 * 1024 * 1024

/**
 * Looks whether a build has room: for the source's own rows and what is gathered of them, and for
 * the merged tables, which are as large as those of now.
 * @param sourceBytes of the source that is added; null where there is none or its size is unknown.
 * @throws {NotEnoughDisk}
 */
export async function checkFreeDisk(
  dir: string,
  live: Manifest | null,
  sourceBytes: number | null,
): Promise<void> {
  const needed = 2 * (sourceBytes ?? 0) + (live ? sizeOf(live) : 0) + alwaysFree
  const { bavail, bsize } = await statfs(dir)
  if (needed > bavail * bsize) throw new NotEnoughDisk(dir, { needed, free: bavail * bsize })
}

/** @returns the error for people when a build has filled the disk, however it was told. */
export function asFullDisk(dir: string, error: unknown): unknown {
  const full =
    error instanceof Error &&
    /ENOSPC|no space left on device|EDQUOT|quota exceeded/i.test(error.message)
  return full ? new NotEnoughDisk(dir, { cause: error }) : error
}
