import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

/**
 * Only a hang fails a test by time: on a busy machine everything takes a hundred times as long as
 * on a quiet one. What is to be fast is measured in `bench/`.
 */
const hangs = 600_000
const shared = {
  testTimeout: hangs,
  hookTimeout: hangs,
  expect: { poll: { timeout: hangs } },
  // For the servers that tests start: a busy machine is no outage.
  env: { REQUEST_TIMEOUT_MS: '120000' },
}
/** They measure the memory of the process, or count in it, so no other file may run in it. */
const alone = [
  'test/crawler/limits.test.ts',
  'test/server/accounts/rate-limit.test.ts',
  'test/webindex/sources/warc/warc-source.test.ts',
]

export default defineConfig({
  test: {
    globalSetup: 'test/global-setup.ts',
    projects: [
      {
        test: {
          ...shared,
          name: 'parts',
          include: ['test/**/*.test.ts'],
          exclude: ['test/e2e/**', 'test/chaos/**', ...alone],
          // Loading the packages takes longer than most files' tests: a process loads them once.
          isolate: false,
          // Tests start processes of their own; more files at once than cores only makes each of
          // them wait.
          maxWorkers: Math.max(2, Math.min(4, availableParallelism())),
        },
      },
      {
        test: { ...shared, name: 'alone', include: alone, maxWorkers: 2 },
      },
      {
        test: {
          ...shared,
          name: 'whole',
          include: ['test/e2e/**/*.test.ts', 'test/chaos/**/*.test.ts'],
          testTimeout: 2 * hangs,
          // Each of these runs the whole of Searchlight, and mostly waits: two at once take the time
          // of one.
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
})
