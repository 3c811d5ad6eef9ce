import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { handOver, installed, runChild } from '#local/run-child.ts'
import { countTests, sum, type Verdict } from './gate/verdict.ts'
import { needsPages } from './gate/what-to-run.ts'

const passed: Verdict = { passed: 1, failed: 0 }
const failed: Verdict = { passed: 0, failed: 1 }

/**
 * `npm test`: the one gate. Everything is run, also after something has failed, and counted; the
 * last line is the sum.
 * @param filters which test files to run, as Vitest takes them: then only these are run, without
 * the rest of the gate.
 */
async function test(filters: string[]): Promise<Verdict> {
  const whole = filters.length === 0
  const checks = whole ? await runChecks() : []
  const browser = needsPages(filters) ? await prepareBrowserTests() : { verdicts: [], env: {} }
  return sum([...checks, ...browser.verdicts, await vitest(filters, browser.env)])
}

/** Side by side; each says its result when it has one. */
function runChecks(): Promise<Verdict[]> {
  return Promise.all([
    check('Biome', [installed('biome'), 'check', '.']),
    check('TypeScript', [installed('tsc'), '--noEmit'], [installed('next'), 'typegen']),
    check('knip', [installed('knip')]),
  ])
}

/** @param first what has to be run before it, and counts as part of it. */
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
 * A browser and the pages; each counts as failed when it can't be had, and the tests that need it
 * then fail as well. Imported only here: a unit test is run without them.
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
    return null // Vitest ended before it wrote a report; that is counted.
  }
}

const total = await test(process.argv.slice(2))
console.log(`${total.passed} passed, ${total.failed} failed`)
process.exitCode = total.failed === 0 ? 0 : 1
