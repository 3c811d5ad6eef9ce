import { handOver, installed } from '#local/run-child.ts'

/**
 * `npm run test:watch -- <filter> …`: runs the test files that a change concerns, at each change.
 * The services that they need stay up. Browser tests see the pages as they were last built.
 */
const args = ['watch', ...process.argv.slice(2)]
process.exitCode = await handOver(process.execPath, [installed('vitest'), ...args], process.env)
