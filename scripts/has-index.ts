import { BrokenIndex, NoIndex, OlderIndex } from '#webindex/errors.ts'
import { readManifest } from '#webindex/manifest.ts'

/**
 * Whether the folder holds an index. An index of an older version does not count; a damaged one
 * does, because it must not be replaced without the user's consent.
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
