import { statfs } from 'node:fs/promises'
import { NotEnoughDisk } from '../errors.ts'
import { type Manifest, sizeOf } from '../manifest.ts'

const reserveBytes = 64 * 1024 * 1024

/**
 * Checks that a build has enough disk space. It needs the size of the dataset twice, for the
 * dataset's own rows and for temporary files, and the size of the live generation, to which the new
 * tables are likely to be similar.
 * @param datasetBytes size of the added dataset; null if there is none or its size is unknown
 * @throws {NotEnoughDisk}
 */
export async function checkFreeDisk(
  dir: string,
  live: Manifest | null,
  datasetBytes: number | null,
): Promise<void> {
  const needed = 2 * (datasetBytes ?? 0) + (live ? sizeOf(live) : 0) + reserveBytes
  const { bavail, bsize } = await statfs(dir)
  if (needed > bavail * bsize) throw new NotEnoughDisk(dir, { needed, free: bavail * bsize })
}

/** Converts the errors of Node and DuckDB for a full disk to `NotEnoughDisk`; returns any other. */
export function asFullDisk(dir: string, error: unknown): unknown {
  const full =
    error instanceof Error &&
    /ENOSPC|no space left on device|EDQUOT|quota exceeded/i.test(error.message)
  return full ? new NotEnoughDisk(dir, { cause: error }) : error
}
