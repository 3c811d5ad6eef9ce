import { lstat, readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { BadSource } from './bad-source.ts'

export interface SourceFile {
  /** To be opened. */
  path: string
  /** To be shown: below the folder that was asked for, with `/`; of a single file its name. */
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
 * One file, or the wanted ones in and below a folder, by name. Symbolic links are not followed:
 * they could lead out of the import.
 * @throws {BadSource} when there is none
 */
export async function findSourceFiles(
  path: string,
  { isWanted, isEntered = () => true, wanted }: FileChoice,
): Promise<SourceFile[]> {
  const name = basename(path)
  const found = await lstat(path).catch((error: NodeJS.ErrnoException) => {
    throw new BadSource(
      error.code === 'ENOENT' ? `There is no ${name}.` : `${name} can't be read (${error.code}).`,
      {
        cause: error,
      },
    )
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
  if (files.length === 0) throw new BadSource(`${name} holds no ${wanted}.`)
  return files.sort((a, b) => (a.shown < b.shown ? -1 : 1))
}

export function totalBytes(files: SourceFile[]): number {
  return files.reduce((sum, file) => sum + file.bytes, 0)
}
