import { cpSync, linkSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { onDemand } from '#test/on-demand.ts'

const StarterIndex = z.object({ dir: z.string(), stdout: z.string() })

/**
 * Puts the starter index into `dir`. `npm run index -- starter` builds it once for all tests of a
 * run, in a folder that held an index of an older version.
 * @returns what the command printed.
 */
export async function copyStarterIndex(dir: string): Promise<string> {
  const starter = StarterIndex.parse(await onDemand('starter-index'))
  copyTree(starter.dir, dir)
  return starter.stdout
}

/** Parquet files never change, so the copy links to them. */
function copyTree(from: string, to: string): void {
  mkdirSync(to, { recursive: true })
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isDirectory()) copyTree(source, target)
    else if (entry.name.endsWith('.parquet')) linkSync(source, target)
    else cpSync(source, target)
  }
}
