import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { projectDir } from '#local/data-dir.ts'

const browserTests = 'test/e2e'

/**
 * Whether these filters select a test that needs a browser and the built pages. A filter is a part
 * of a test file's path.
 */
export function needsPages(
  filters: readonly string[],
  files: readonly string[] = filesOf(browserTests),
): boolean {
  const patterns = filters
    .filter((filter) => !filter.startsWith('-'))
    // Vitest also accepts a line number, as in `file.test.ts:12`, and an absolute path.
    .map((filter) => filter.replace(/:\d+$/, '').replace(`${projectDir}/`, ''))
  return (
    patterns.length === 0 ||
    patterns.some((pattern) => files.some((file) => file.includes(pattern.replace(/^\.\//, ''))))
  )
}

function filesOf(folder: string): string[] {
  return readdirSync(join(projectDir, folder)).map((name) => `${folder}/${name}`)
}
