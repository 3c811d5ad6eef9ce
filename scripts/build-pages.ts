import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CannotStart } from '#local/cannot-start.ts'
import { projectDir } from '#local/data-dir.ts'
import { installed, runChild } from '#local/run-child.ts'

/** The sources of the pages, besides the configuration files in the project's folder. */
const inputs = [
  'app',
  'jobs',
  'protocol',
  'searches',
  'public',
  'package-lock.json',
  'tsconfig.json',
]
const configuration = /^(next|postcss|tailwind)\.config\.\w+$/

/**
 * Builds the pages, unless the last build was made from the same files.
 * @throws {CannotStart} with the output of the build.
 */
export async function buildPages(options: {
  say(sentence: string): void
  signal?: AbortSignal
}): Promise<void> {
  const stamp = join(projectDir, '.next', 'built-from')
  const fingerprint = fingerprintOf(projectDir)
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === fingerprint) return
  rmSync(stamp, { force: true })
  options.say(
    'Building the pages, because they are new or have changed. This takes up to a minute…',
  )
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    NODE_ENV: 'production',
    NEXT_TELEMETRY_DISABLED: '1',
  }
  const { code, output } = await runChild(process.execPath, [installed('next'), 'build'], {
    env,
    signal: options.signal,
  })
  if (code !== 0) throw new CannotStart(`The pages could not be built:\n${output}`)
  writeFileSync(stamp, fingerprint)
}

/** A hash over the paths and the contents of all inputs. */
export function fingerprintOf(folder: string): string {
  const hash = createHash('sha256')
  const top = readdirSync(folder).filter((name) => configuration.test(name))
  for (const path of [...inputs, ...top].flatMap((input) => filesAt(folder, input)).sort()) {
    hash
      .update(`${path}\0`)
      .update(readFileSync(join(folder, path)))
      .update('\0')
  }
  return hash.digest('hex')
}

function filesAt(folder: string, path: string): string[] {
  const stat = statSync(join(folder, path), { throwIfNoEntry: false })
  if (stat === undefined) return []
  if (stat.isFile()) return [path]
  return readdirSync(join(folder, path)).flatMap((name) => filesAt(folder, join(path, name)))
}
