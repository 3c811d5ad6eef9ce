import { join } from 'node:path'
import { projectDir } from '#local/data-dir.ts'
import { runSearchlight } from '#local/run-searchlight.ts'
import { watchedProgram } from '#local/supervisor/rerun-on-change.ts'
import { buildStarterIndex } from './starter-index.ts'

const inProject = (...paths: string[]) => paths.map((path) => join(projectDir, path))

/** Read by the programs without an import. */
const packages = ['package.json', 'node_modules/.package-lock.json']
const jobScripts = ['jobs/redis/scripts', 'jobs/postgres/migrations']

/**
 * `npm run dev`: as `npm start`, on the same data, with pages that reload by themselves, and a server
 * and a worker that restart when one of their files changes.
 */
process.exitCode = await runSearchlight({
  command: 'npm run dev',
  env: {
    NODE_ENV: 'development',
    NEXT_TELEMETRY_DISABLED: '1',
    // Running searches go back to the queue at once, and on with the new code.
    SHUTDOWN_GRACE_MS: process.env.SHUTDOWN_GRACE_MS || '200',
  },
  prepare: (env, log, signal) => [buildStarterIndex(env, log, signal)],
  programs: (env) => [
    watchedProgram('server', ['server/main.ts', '--dev'], {
      env,
      watch: {
        files: inProject(...packages, 'next.config.js'),
        folders: inProject(...jobScripts, 'server/accounts/migrations'),
      },
    }),
    watchedProgram('worker', ['workers/main.ts'], {
      env,
      watch: {
        files: inProject(...packages),
        folders: inProject(...jobScripts, 'workers/scripts'),
      },
    }),
  ],
})
