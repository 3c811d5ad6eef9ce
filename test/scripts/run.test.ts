import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { isNewEnough, needsInstall } from '#scripts/run.js'
import { tempDir } from '../local/temp-dir.ts'

type Packages = Record<string, { version: string; optional?: boolean; dev?: boolean }>

async function project(wanted: Packages, installed?: Packages): Promise<string> {
  const folder = await tempDir()
  writeFileSync(
    join(folder, 'package-lock.json'),
    JSON.stringify({ packages: { '': { version: '1.0.0' }, ...wanted } }),
  )
  if (installed === undefined) return folder
  mkdirSync(join(folder, 'node_modules'))
  writeFileSync(
    join(folder, 'node_modules', '.package-lock.json'),
    JSON.stringify({ packages: installed }),
  )
  return folder
}

const a = { 'node_modules/a': { version: '1.0.0' } }

test('a fresh clone installs its packages once', async () => {
  expect(needsInstall(await project(a), { development: false })).toBe(true)
  expect(needsInstall(await project(a, a), { development: false })).toBe(false)
})

test('a new version or a new package in the lock file is installed', async () => {
  expect(
    needsInstall(await project(a, { 'node_modules/a': { version: '1.0.1' } }), {
      development: false,
    }),
  ).toBe(true)
  expect(
    needsInstall(await project({ ...a, 'node_modules/b': { version: '1.0.0' } }, a), {
      development: false,
    }),
  ).toBe(true)
})

test('packages of other platforms may be missing, and for a start development packages too', async () => {
  const optional = await project(
    { ...a, 'node_modules/o': { version: '1.0.0', optional: true } },
    a,
  )
  expect(needsInstall(optional, { development: true })).toBe(false)
  const dev = await project({ ...a, 'node_modules/d': { version: '1.0.0', dev: true } }, a)
  expect(needsInstall(dev, { development: false })).toBe(false)
  expect(needsInstall(dev, { development: true })).toBe(true)
})

test('Node 20.19 is new enough, Node 20.18 and 18 are not', () => {
  expect(['20.19.0', '22.1.0', '24.0.0'].map(isNewEnough)).toEqual([true, true, true])
  expect(['20.18.3', '18.20.0'].map(isNewEnough)).toEqual([false, false])
})

test('an unknown command prints the known ones', async () => {
  const script = join(import.meta.dirname, '../../scripts/run.js')
  await expect(promisify(execFile)(process.execPath, [script, 'nonsense'])).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringContaining('node scripts/run.js start'),
  })
})
