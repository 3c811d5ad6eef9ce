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

test('files and folders of the import folder are found by their names within it, or whole', async () => {
  const { root } = importFolder()
  expect(await openImport(root, 'a.csv')).toBe(join(root, 'a.csv'))
  expect(await openImport(root, './below/b.warc')).toBe(join(root, 'below/b.warc'))
  expect(await openImport(root, 'below')).toBe(join(root, 'below'))
  expect(await openImport(root, '..c.csv')).toBe(join(root, '..c.csv'))
  expect(await openImport(root, join(root, 'a.csv'))).toBe(join(root, 'a.csv'))
})

test('whatever leads out is refused, whether it is there or not', async () => {
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

test('a link within the import folder, and an import folder that is a link itself, are followed', async () => {
  const { root, folder } = importFolder()
  symlinkSync(join(root, 'below/b.warc'), join(root, 'link.warc'))
  symlinkSync(root, join(folder, 'other'))
  expect(await openImport(join(folder, 'other'), 'link.warc')).toBe(join(root, 'below/b.warc'))
  expect(await openImport(join(folder, 'other'), join(folder, 'other/a.csv'))).toBe(
    join(root, 'a.csv'),
  )
})

test('a name that is not there is told with what is, and with no path of the machine', async () => {
  const { root, folder } = importFolder()
  const error = await openImport(root, 'b.csv').catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(NoSuchFile)
  expect(String(error)).toContain('“b.csv” is not in the import folder. It holds a.csv, below/.')
  expect(String(error)).not.toContain(folder)
  await expect(openImport(join(folder, 'none'), 'a.csv')).rejects.toThrow(/does not exist yet/)
})

test('a socket is no file', async () => {
  const { root } = importFolder()
  const server = createServer()
  onTestFinished(() => void server.close())
  await new Promise<void>((listening) => server.listen(join(root, 'socket'), listening))
  await expect(openImport(root, 'socket')).rejects.toThrow(NoSuchFile)
  expect((await listImports(root)).map(({ name }) => name)).not.toContain('socket')
})

test('what can be imported is listed by name with its size; hidden files and links that lead out are not; at most a thousand', async () => {
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
