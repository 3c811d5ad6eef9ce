import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { handOver, installed, runChild } from '#local/run-child.ts'
import { countTests, sum, type Verdict } from './gate/verdict.ts'
import { needsPages } from './gate/what-to-run.ts'

const passed: Verdict = { passed: 1, failed: 0 }
const failed: Verdict = { passed: 0, failed: 1 }

/**
 * `npm test` is the gate. It runs every check and every test, even after a failure, and prints the
 * totals on the last line.
 * @param filters as Vitest takes them; if there are any, only the matching test files run, without
 * the other checks.
 */
async function test(filters: string[]): Promise<Verdict> {
  const whole = filters.length === 0
  const checks = whole ? await runChecks() : []
  const browser = needsPages(filters) ? await prepareBrowserTests() : { verdicts: [], env: {} }
  return sum([...checks, ...browser.verdicts, await vitest(filters, browser.env)])
}

/** Runs the checks in parallel; each prints its result when it ends. */
function runChecks(): Promise<Verdict[]> {
  return Promise.all([
    check('Biome', [installed('biome'), 'check', '.']),
    check('TypeScript', [installed('tsc'), '--noEmit'], [installed('next'), 'typegen']),
    check('knip', [installed('knip')]),
  ])
}

/** @param first a command that must run before and counts as part of the check */
async function check(name: string, command: string[], first?: string[]): Promise<Verdict> {
  for (const step of [first, command]) {
    if (step === undefined) continue
    const { code, output } = await runChild(process.execPath, step, {
      env: { ...process.env, NEXT_TELEMETRY_DISABLED: '1' },
    })
    if (code !== 0) {
      console.log(`✗ ${name}\n${output}\n`)
      return failed
    }
  }
  console.log(`✓ ${name}`)
  return passed
}

/**
 * Provides a browser and the built pages. A failure here counts, and the tests that need them then
 * fail as well. The imports are dynamic because unit tests run without them.
 */
async function prepareBrowserTests(): Promise<{
  verdicts: Verdict[]
  env: Record<string, string>
}> {
  const { ensureChromium } = await import('./chromium.ts')
  const { buildPages } = await import('./build-pages.ts')
  const { failureMessage } = await import('#local/cannot-start.ts')
  const say = (sentence: string) => console.log(sentence)
  const verdicts: Verdict[] = []
  const env: Record<string, string> = {}
  try {
    env.CHROMIUM_PATH = await ensureChromium(say)
    await buildPages({ say })
  } catch (error) {
    console.log(`✗ ${failureMessage(error)}\n`)
    verdicts.push(failed)
  }
  return { verdicts, env }
}

async function vitest(filters: string[], env: Record<string, string>): Promise<Verdict> {
  const folder = mkdtempSync(join(tmpdir(), 'searchlight-report-'))
  const report = join(folder, 'report.json')
  try {
    const args = [
      'run',
      ...filters,
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${report}`,
    ]
    const code = await handOver(process.execPath, [installed('vitest'), ...args], {
      ...process.env,
      ...env,
    })
    const { skipped, ...verdict } = countTests(readJson(report), code)
    for (const name of skipped) console.log(`✗ not run: ${name}`)
    return verdict
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch {
    return null // Vitest ended before it wrote a report; this counts as a failure.
  }
}

const total = await test(process.argv.slice(2))
console.log(`${total.passed} passed, ${total.failed} failed`)
process.exitCode = total.failed === 0 ? 0 : 1
