import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { temporaryFolder } from './index-fixture.ts'

const here = join(import.meta.dirname, '../..')

async function run(dir: string, ...args: string[]) {
  const env = { ...process.env, INDEX_DIR: dir }
  const running = promisify(execFile)(process.execPath, ['--import', 'tsx', 'scripts/index.ts', ...args], { cwd: here, env })
  return running.then(
    ({ stdout }) => ({ code: 0, stdout, stderr: '' }),
    ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({ code, stdout, stderr }),
  )
}

test('an unknown command shows how to use it and ends with 2', async () => {
  const { code, stderr } = await run(temporaryFolder(), 'frobnicate')
  expect(code).toBe(2)
  expect(stderr).toMatch(/^Unknown command: frobnicate\n\nUsage: npm run index -- <command>/)
})

test('statistics of no index say what to run, without a stack', async () => {
  const { code, stderr } = await run(temporaryFolder(), 'stats')
  expect(code).toBe(1)
  expect(stderr).toMatch(/^There is no index in .*npm run index -- starter\n$/)
})

test('the starter index is built once, and statistics tell what it holds', async () => {
  const dir = join(temporaryFolder(), 'index')
  const built = await run(dir, 'starter', '--if-missing')
  expect(built.stdout).toMatch(/read \d+ of \d+ packages\nDone in [\d.]+ s: [\d,]+ pages of \d+ sites, [\d,]+ links\.\n$/)
  expect((await run(dir, 'starter', '--if-missing')).stdout).toBe(`There is an index in ${dir} already.\n`)
  const { stdout } = await run(dir, 'stats')
  for (const fact of ['generation', 'built at', 'size', 'pages', 'links', 'external links', 'sites', 'target sites', 'source']) {
    expect(stdout).toMatch(new RegExp(`^${fact} +\\S`, 'm'))
  }
  expect(stdout.split('Most linked to:')[1]?.trim().split('\n')).toHaveLength(10)
})
