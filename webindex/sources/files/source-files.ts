import { lstat, readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { BadSource } from './bad-source.ts'

export interface SourceFile {
  /** Where to open the file. */
  path: string
  /** For people: the path below the imported folder, with `/`; for a single file, its name. */
  shown: string
  bytes: number
  modifiedAt: Date
}

export interface FileChoice {
  isWanted(name: string): boolean
  isEntered?(folder: string): boolean
  /** For people: `WARC files (.warc, .warc.gz)`. */
  wanted: string
}

/**
 * The file at `path`, or all wanted files in and below the folder there, sorted by name. Symbolic
 * links are not followed: they could lead out of the import folder.
 * @throws {BadSource} if there is no such file.
 */
export async function findSourceFiles(
  path: string,
  { isWanted, isEntered = () => true, wanted }: FileChoice,
): Promise<SourceFile[]> {
  const name = basename(path)
  const found = await lstat(path).catch((cause: NodeJS.ErrnoException) => {
    const reason = cause.code === 'ENOENT' ? 'does not exist' : `can't be read (${cause.code})`
    throw new BadSource(`${name} ${reason}.`, { cause })
  })
  if (found.isFile()) return [{ path, shown: name, bytes: found.size, modifiedAt: found.mtime }]
  if (!found.isDirectory())
    throw new BadSource(`${name} is neither a file nor a folder. Symbolic links are not followed.`)

  const files: SourceFile[] = []
  const folders = ['']
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const entry of await readdir(join(path, folder), { withFileTypes: true })) {
      const shown = folder ? `${folder}/${entry.name}` : entry.name
      if (entry.isDirectory() && isEntered(entry.name)) folders.push(shown)
      if (!entry.isFile() || !isWanted(entry.name)) continue
      const { size, mtime } = await lstat(join(path, shown))
      files.push({ path: join(path, shown), shown, bytes: size, modifiedAt: mtime })
    }
  }
  if (files.length === 0) throw new BadSource(`${name} contains no ${wanted}.`)
  return files.sort((a, b) => (a.shown < b.shown ? -1 : 1))
}

export function totalBytes(files: SourceFile[]): number {
  return files.reduce((sum, file) => sum + file.bytes, 0)
}
