import { join } from 'node:path'
import { projectDir } from '#local/data-dir.ts'
import { runSearchlight } from '#local/run-searchlight.ts'
import { watchedProgram } from '#local/supervisor/rerun-on-change.ts'
import { buildStarterIndex } from './starter-index.ts'

const inProject = (...paths: string[]) => paths.map((path) => join(projectDir, path))

/** The programs read these without importing them, so they are watched explicitly. */
const packages = ['package.json', 'node_modules/.package-lock.json']
const jobScripts = ['jobs/redis/scripts', 'jobs/postgres/migrations']

/**
 * `npm run dev` works like `npm start`, on the same data, but pages reload by themselves, and the
 * server and the worker restart when one of their files changes.
 */
process.exitCode = await runSearchlight({
  command: 'npm run dev',
  env: {
    NODE_ENV: 'development',
    NEXT_TELEMETRY_DISABLED: '1',
    // Running searches return to the queue at once and resume with the new code.
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
