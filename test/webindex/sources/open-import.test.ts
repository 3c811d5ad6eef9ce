import { realpathSync, symlinkSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import {
  listImports,
  NoSuchFile,
  OutsideImportRoot,
  openImport,
} from '#webindex/sources/open-import.ts'
import { temporaryFolder, writeTree } from '../index-fixture.ts'

function importFolder() {
  const folder = realpathSync(temporaryFolder())
  writeTree(folder, {
    'imports/a.csv': 'a',
    'imports/below/b.warc': 'bb',
    'imports/..c.csv': 'c',
    'imports-secret/s.csv': 's',
    'secret.csv': 's',
  })
  return { folder, root: join(folder, 'imports') }
}

test('files and folders are found by their path in the import folder or their absolute path', async () => {
  const { root } = importFolder()
  expect(await openImport(root, 'a.csv')).toBe(join(root, 'a.csv'))
  expect(await openImport(root, './below/b.warc')).toBe(join(root, 'below/b.warc'))
  expect(await openImport(root, 'below')).toBe(join(root, 'below'))
  expect(await openImport(root, '..c.csv')).toBe(join(root, '..c.csv'))
  expect(await openImport(root, join(root, 'a.csv'))).toBe(join(root, 'a.csv'))
})

test('a path that leads out of the import folder is refused, whether it exists or not', async () => {
  const { root, folder } = importFolder()
  symlinkSync(join(folder, 'secret.csv'), join(root, 'link.csv'))
  symlinkSync(join(folder, 'imports-secret'), join(root, 'linked'))
  for (const path of [
    '../secret.csv',
    'below/../../secret.csv',
    'below/../a.csv',
    '..\\secret.csv',
    '/etc/passwd',
    join(folder, 'imports-secret/s.csv'),
    join(folder, 'nothing'),
    'link.csv',
    'linked/s.csv',
    'a.csv\0.gz',
  ])
    await expect(openImport(root, path), path).rejects.toThrow(OutsideImportRoot)
})

test('symbolic links within the import folder are followed, and it may itself be one', async () => {
  const { root, folder } = importFolder()
  symlinkSync(join(root, 'below/b.warc'), join(root, 'link.warc'))
  symlinkSync(root, join(folder, 'other'))
  expect(await openImport(join(folder, 'other'), 'link.warc')).toBe(join(root, 'below/b.warc'))
  expect(await openImport(join(folder, 'other'), join(folder, 'other/a.csv'))).toBe(
    join(root, 'a.csv'),
  )
})

test('the error for a missing file lists the files that exist and shows no path of the machine', async () => {
  const { root, folder } = importFolder()
  const error = await openImport(root, 'b.csv').catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(NoSuchFile)
  expect(String(error)).toContain(
    '“b.csv” is not in the import folder. The folder contains a.csv, below/.',
  )
  expect(String(error)).not.toContain(folder)
  await expect(openImport(join(folder, 'none'), 'a.csv')).rejects.toThrow(/does not exist yet/)
})

test('a socket can’t be imported', async () => {
  const { root } = importFolder()
  const server = createServer()
  onTestFinished(() => void server.close())
  await new Promise<void>((listening) => server.listen(join(root, 'socket'), listening))
  await expect(openImport(root, 'socket')).rejects.toThrow(NoSuchFile)
  expect((await listImports(root)).map(({ name }) => name)).not.toContain('socket')
})

test('the list of imports has up to a thousand names and sizes, without hidden files and links that lead out', async () => {
  const { root, folder } = importFolder()
  symlinkSync(join(folder, 'secret.csv'), join(root, 'link.csv'))
  expect(await listImports(root)).toEqual([
    { name: 'a.csv', bytes: 1 },
    { name: 'below/', bytes: null },
  ])
  expect(await listImports(join(folder, 'none'))).toEqual([])
  writeTree(
    root,
    Object.fromEntries(Array.from({ length: 1_100 }, (_, n) => [`many/${n}.csv`, ''])),
  )
  expect(await listImports(join(root, 'many'))).toHaveLength(1_000)
})
