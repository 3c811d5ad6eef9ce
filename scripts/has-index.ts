import { BrokenIndex, NoIndex, OlderIndex } from '#webindex/errors.ts'
import { readManifest } from '#webindex/manifest.ts'

/**
 * Whether there is an index in the folder. One of an older version counts as none; one that is
 * damaged is there, and is not to be replaced unasked.
 */
export async function hasIndex(dir: string): Promise<boolean> {
  try {
    await readManifest(dir)
    return true
  } catch (error) {
    if (error instanceof NoIndex || error instanceof OlderIndex) return false
    if (error instanceof BrokenIndex) return true
    throw error
  }
}
