import { handOver, installed } from '#local/run-child.ts'

/**
 * `npm run chaos` runs the failure suite in its long form, about 20 times the work of the short
 * form in `npm test`.
 */
const args = ['run', ...(process.argv.length > 2 ? process.argv.slice(2) : ['test/chaos'])]
process.exitCode = await handOver(process.execPath, [installed('vitest'), ...args], {
  ...process.env,
  CHAOS: 'long',
})
