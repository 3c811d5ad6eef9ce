import { readdir, realpath, stat } from 'node:fs/promises'
import { isAbsolute, join, relative, resolve, sep } from 'node:path'
import { IndexProblem } from '../errors.ts'

/** The name leads out of the folder that imports are read from. */
export class OutsideImportRoot extends IndexProblem {
  readonly path: string
  constructor(path: string) {
    super(
      `“${path}” leads out of the import folder. Put the file there and give its name within it.`,
    )
    this.name = 'OutsideImportRoot'
    this.path = path
  }
}

/** Nothing of that name can be imported. */
export class NoSuchFile extends IndexProblem {
  readonly path: string
  constructor(path: string, reason: string) {
    super(`“${path}” ${reason}`)
    this.name = 'NoSuchFile'
    this.path = path
  }
}

/** What lies in the import folder. */
export interface Importable {
  /** A folder's name ends with a slash. */
  name: string
  /** null for a folder. */
  bytes: number | null
}

const mostListed = 1_000
const mostNamed = 10

/**
 * Finds a file or folder of the import folder, symbolic links followed. Links *within* a folder are
 * the reader's to refuse.
 * @param path relative to the root, or absolute and within it.
 * @returns the real absolute path.
 * @throws {OutsideImportRoot} @throws {NoSuchFile} naming what is there instead.
 */
export async function openImport(root: string, path: string): Promise<string> {
  if (path.includes('\0')) throw new OutsideImportRoot(path.replaceAll('\0', '␀'))
  if (path.split(/[\\/]/).includes('..')) throw new OutsideImportRoot(path)
  const asked = resolve(root, path)
  // An absolute path may be written through the root's own name or through where that leads.
  const realRoot = await realpath(root).catch(() => null)
  if (!isWithin(resolve(root), asked) && !(realRoot && isWithin(realRoot, asked)))
    throw new OutsideImportRoot(path)
  if (!realRoot) throw new NoSuchFile(path, 'is not there: the import folder does not exist yet.')
  const real = await realpath(asked).catch(() => null)
  if (!real) throw new NoSuchFile(path, `is not in the import folder. ${await whatIsThere(root)}`)
  if (!isWithin(realRoot, real)) throw new OutsideImportRoot(path)
  const found = await stat(real)
  if (!found.isFile() && !found.isDirectory())
    throw new NoSuchFile(path, 'is neither a file nor a folder, so it can’t be imported.')
  return real
}

/**
 * Files and folders at the top of the import folder, by name; the first thousand. Hidden ones and
 * links that lead out are left out.
 */
export async function listImports(root: string): Promise<Importable[]> {
  const realRoot = await realpath(root).catch(() => null)
  if (!realRoot) return []
  const names = (await readdir(realRoot)).filter((name) => !name.startsWith('.')).sort()
  const listed: Importable[] = []
  for (const name of names) {
    if (listed.length === mostListed) break
    const real = await realpath(join(realRoot, name)).catch(() => null)
    if (!real || !isWithin(realRoot, real)) continue
    const found = await stat(real).catch(() => null)
    if (found?.isFile()) listed.push({ name, bytes: found.size })
    else if (found?.isDirectory()) listed.push({ name: `${name}/`, bytes: null })
  }
  return listed
}

async function whatIsThere(root: string): Promise<string> {
  const there = await listImports(root)
  if (there.length === 0) return 'It is empty.'
  const names = there.slice(0, mostNamed).map(({ name }) => name)
  return `It holds ${names.join(', ')}${there.length > mostNamed ? ' and more' : ''}.`
}

function isWithin(folder: string, path: string): boolean {
  const way = relative(folder, path)
  return way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way)
}
