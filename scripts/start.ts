import { typescript } from '#local/run-child.ts'
import { runSearchlight } from '#local/run-searchlight.ts'
import { buildPages } from './build-pages.ts'
import { buildStarterIndex } from './starter-index.ts'

/** `npm start` runs everything that Searchlight needs in one terminal, until Ctrl-C. */
const program = (name: string, file: string, env: NodeJS.ProcessEnv) => ({
  name,
  command: process.execPath,
  args: typescript(file),
  env: { ...env },
})

process.exitCode = await runSearchlight({
  command: 'npm start',
  env: { NODE_ENV: 'production' },
  prepare: (env, log, signal) => [
    buildStarterIndex(env, log, signal),
    buildPages({ say: log.say, signal }),
  ],
  programs: (env) => [
    program('server', 'server/main.ts', env),
    program('worker', 'workers/main.ts', env),
  ],
})
