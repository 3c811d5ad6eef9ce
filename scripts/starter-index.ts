import { CannotStart } from '#local/cannot-start.ts'
import { runChild, typescript } from '#local/run-child.ts'
import type { ReadableLog } from '#local/supervisor/readable-log.ts'
import { hasIndex } from './has-index.ts'

/**
 * Builds an index from the documents of the installed packages, unless there is an index already.
 * @throws {CannotStart}
 */
export async function buildStarterIndex(
  env: NodeJS.ProcessEnv,
  log: ReadableLog,
  signal: AbortSignal,
): Promise<void> {
  if (await hasIndex(env.INDEX_DIR ?? '')) return
  log.say('There is no index yet. Building one from the documents of the installed packages…')
  const args = typescript('scripts/index.ts', 'starter', '--if-missing')
  const { code, output } = await runChild(process.execPath, args, {
    env,
    signal,
    onLine: (line) => log.line('index', line),
  })
  if (code !== 0)
    throw new CannotStart(`The starter index could not be built: ${output.split('\n').at(-1)}`)
}
