import { handOver, installed } from '#local/run-child.ts'

/**
 * `npm run test:watch -- <filter> …` reruns the affected test files after each change. Services
 * stay up between runs. Browser tests use the last built pages.
 */
const args = ['watch', ...process.argv.slice(2)]
process.exitCode = await handOver(process.execPath, [installed('vitest'), ...args], process.env)
