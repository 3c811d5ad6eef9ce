import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { program } from '../programs.ts'
import { temporaryFolder, writeTree } from '../webindex/index-fixture.ts'
import { copyStarterIndex } from '../webindex/starter-index.ts'

const here = join(import.meta.dirname, '../..')

async function run(dir: string, ...args: string[]) {
  const env = { ...process.env, INDEX_DIR: dir }
  const command = await program('scripts/index.ts', ...args)
  const running = promisify(execFile)(process.execPath, command, { cwd: here, env })
  return running.then(
    ({ stdout }) => ({ code: 0, stdout, stderr: '' }),
    ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({
      code,
      stdout,
      stderr,
    }),
  )
}

test('an unknown command prints the usage and exits with 2', async () => {
  const { code, stderr } = await run(temporaryFolder(), 'frobnicate')
  expect(code).toBe(2)
  expect(stderr).toMatch(/^Unknown command: frobnicate\n\nUsage: npm run index -- <command>/)
})

test('stats without an index says what to run, without a stack', async () => {
  const { code, stderr } = await run(temporaryFolder(), 'stats')
  expect(code).toBe(1)
  expect(stderr).toMatch(/^There is no index in .*npm run index -- starter\n$/)
})

test('the starter index replaces one of an older version, is built once, and has statistics', async () => {
  const dir = join(temporaryFolder(), 'index')
  expect(await copyStarterIndex(dir)).toMatch(
    /^Read [\d,]+ pages, [\d,]+ links\.\nThe index is live as generation [\w-]+: [\d,]+ pages of \d+ sites, [\d,]+ links\.\nDone in [\d.]+ s\.\n$/,
  )
  expect((await run(dir, 'starter', '--if-missing')).stdout).toBe(
    `There is already an index in ${dir}.\n`,
  )
  const { stdout } = await run(dir, 'stats')
  for (const fact of [
    'generation',
    'built at',
    'size',
    'pages',
    'links',
    'external links',
    'sites',
    'target sites',
    'phrases',
    'queries',
  ]) {
    expect(stdout).toMatch(new RegExp(`^${fact} +\\S`, 'm'))
  }
  expect(stdout.split('Most linked to:')[1]?.trim().split('\n')).toHaveLength(10)
})

test('starter does not replace a damaged index', async () => {
  const dir = temporaryFolder()
  writeTree(dir, { 'current.json': '{"format": 2, "id":' })
  expect((await run(dir, 'starter', '--if-missing')).stdout).toBe(
    `There is already an index in ${dir}.\n`,
  )
})

test('a folder is added, listed in the statistics, and removed', async () => {
  const folder = temporaryFolder()
  writeTree(folder, {
    'site/index.html': '<title>Front</title><p>To <a href="https://redis.io/">Redis</a>',
  })
  const dir = join(folder, 'index')
  const added = await run(
    dir,
    'add',
    'html',
    join(folder, 'site'),
    '--base-url',
    'https://example.com/',
  )
  expect(added).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(
      /^Read 1 page, 1 link\.\nThe index is live as generation [\w-]+: 1 page of 1 site, 1 link\./,
    ),
  })
  expect((await run(dir, 'stats')).stdout).toMatch(
    /^ {2}html:https:\/\/example\.com\/ +1 page \(added \d{4}-\d\d-\d\d\)$/m,
  )
  expect(await run(dir, 'remove', 'html:https://example.org/')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('html:https://example.com/'),
  })
  expect(await run(dir, 'remove', 'html:https://example.com/')).toMatchObject({ code: 0 })
})

test.each([
  [['add'], 2, /^Name what to add: warc, wat, html, search-console, webgraph, packages\./],
  [['add', 'warc'], 1, /^Give the file or folder to read\.$/m],
  [['add', 'warc', 'absent.warc.gz'], 1, /^There is no file or folder .*absent\.warc\.gz\.$/m],
  [['add', 'html', '.'], 1, /^Give the address at which/],
  [['add', 'html', '.', '--base'], 2, /--base/],
])('%j prints what is missing', async (args, code, message) => {
  expect(await run(temporaryFolder(), ...args)).toMatchObject({
    code,
    stderr: expect.stringMatching(message),
  })
})
