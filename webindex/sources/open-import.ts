import { readdir, realpath, stat } from 'node:fs/promises'
import { isAbsolute, join, relative, resolve, sep } from 'node:path'
import { IndexProblem } from '../errors.ts'

/** The path leads out of the import folder. */
export class OutsideImportRoot extends IndexProblem {
  readonly path: string
  constructor(path: string) {
    super(
      `“${path}” is outside the import folder. Move the file there and give its path within it.`,
    )
    this.name = 'OutsideImportRoot'
    this.path = path
  }
}

/** The import folder has no such file or folder, or it can't be imported. */
export class NoSuchFile extends IndexProblem {
  readonly path: string
  constructor(path: string, reason: string) {
    super(`“${path}” ${reason}`)
    this.name = 'NoSuchFile'
    this.path = path
  }
}

/** A file or folder in the import folder. */
export interface Importable {
  /** A folder's name ends with a slash. */
  name: string
  /** null for a folder. */
  bytes: number | null
}

const noImportFolder =
  'can’t be found: the import folder does not exist yet. Create it and put the file there.'
const maxListed = 1_000
const maxNamed = 10

/**
 * Finds a file or folder in the import folder. Follows symbolic links in `path`; those inside an
 * imported folder are left to its reader to refuse.
 * @param path relative to the root, or absolute and within it.
 * @returns the real absolute path.
 * @throws {OutsideImportRoot} @throws {NoSuchFile} with the names that are there instead.
 */
export async function openImport(root: string, path: string): Promise<string> {
  if (path.includes('\0')) throw new OutsideImportRoot(path.replaceAll('\0', '␀'))
  if (path.split(/[\\/]/).includes('..')) throw new OutsideImportRoot(path)
  const requested = resolve(root, path)
  // If the root is a symbolic link, an absolute path may start with the link or with its target.
  const realRoot = await realpath(root).catch(() => null)
  if (!isWithin(resolve(root), requested) && !(realRoot && isWithin(realRoot, requested)))
    throw new OutsideImportRoot(path)
  if (!realRoot) throw new NoSuchFile(path, noImportFolder)
  const real = await realpath(requested).catch(() => null)
  if (!real)
    throw new NoSuchFile(path, `is not in the import folder. ${await describeContents(root)}`)
  if (!isWithin(realRoot, real)) throw new OutsideImportRoot(path)
  const found = await stat(real)
  if (!found.isFile() && !found.isDirectory())
    throw new NoSuchFile(path, 'is neither a file nor a folder, so it can’t be imported.')
  return real
}

/**
 * The first thousand files and folders at the top of the import folder, sorted by name. Omits
 * hidden ones and links that lead out of the folder.
 */
export async function listImports(root: string): Promise<Importable[]> {
  const realRoot = await realpath(root).catch(() => null)
  if (!realRoot) return []
  const names = (await readdir(realRoot)).filter((name) => !name.startsWith('.')).sort()
  const listed: Importable[] = []
  for (const name of names) {
    if (listed.length === maxListed) break
    const real = await realpath(join(realRoot, name)).catch(() => null)
    if (!real || !isWithin(realRoot, real)) continue
    const found = await stat(real).catch(() => null)
    if (found?.isFile()) listed.push({ name, bytes: found.size })
    else if (found?.isDirectory()) listed.push({ name: `${name}/`, bytes: null })
  }
  return listed
}

async function describeContents(root: string): Promise<string> {
  const contents = await listImports(root)
  if (contents.length === 0) return 'The folder is empty.'
  const names = contents.slice(0, maxNamed).map(({ name }) => name)
  return `The folder contains ${names.join(', ')}${contents.length > maxNamed ? ' and more' : ''}.`
}

function isWithin(folder: string, path: string): boolean {
  const route = relative(folder, path)
  return route !== '..' && !route.startsWith(`..${sep}`) && !isAbsolute(route)
}
