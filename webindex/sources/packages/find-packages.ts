import { readdir, readFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { z } from 'zod'

/** The fields of package.json that are read. A field of an unexpected shape counts as absent. */
const PackageFacts = z.object({
  name: z.string().min(1),
  description: z.string().optional().catch(undefined),
  homepage: z.string().optional().catch(undefined),
  repository: z
    .union([z.string(), z.object({ url: z.string(), directory: z.string().optional() })])
    .optional()
    .catch(undefined),
  bugs: z.object({ url: z.string() }).optional().catch(undefined),
  author: z.object({ url: z.string() }).optional().catch(undefined),
  funding: z
    .union([
      z.string(),
      z.object({ url: z.string() }),
      z.array(z.union([z.string(), z.object({ url: z.string() })])),
    ])
    .optional()
    .catch(undefined),
})
export interface InstalledPackage extends z.infer<typeof PackageFacts> {
  dir: string
}

/**
 * Every package under a node_modules folder, including scoped and nested ones; of several copies,
 * the one nearest the top. Sorted by name, unscoped names first.
 */
export async function findPackages(nodeModules: string): Promise<InstalledPackage[]> {
  const found = new Map<string, InstalledPackage>()
  let level = [nodeModules]
  while (level.length > 0) {
    const next: string[] = []
    for (const folder of level) {
      for (const dir of await packageFolders(folder)) {
        const facts = await readFacts(dir)
        if (facts && !found.has(facts.name)) found.set(facts.name, { ...facts, dir })
        next.push(join(dir, 'node_modules'))
      }
    }
    level = next
  }
  return [...found.values()]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .sort((a, b) => Number(isScoped(a)) - Number(isScoped(b)))
}

/**
 * Paths of the documents in a package, with `/`. Omits change logs, licences and the documents of
 * packages bundled inside it.
 */
export async function findDocuments(pack: InstalledPackage): Promise<string[]> {
  const paths: string[] = []
  const folders = [pack.dir]
  for (let folder = folders.pop(); folder; folder = folders.pop()) {
    const entries = await readdir(folder, { withFileTypes: true })
    if (
      folder !== pack.dir &&
      entries.some((entry) => entry.name === 'package.json') &&
      (await isOtherPackage(folder, pack))
    )
      continue
    for (const entry of entries) {
      const path = join(folder, entry.name)
      if (entry.isDirectory() && !skippedFolder.test(entry.name)) folders.push(path)
      if (entry.isFile() && isDocument(entry.name))
        paths.push(relative(pack.dir, path).split(sep).join('/'))
    }
  }
  return paths.sort()
}

/** Hidden folders, other packages, and test fixtures. */
const skippedFolder = /^(\..*|node_modules|tests?|__tests__|fixtures)$/i
/** Change logs (one alone had 6,381 links) and legal texts are noise. */
const skippedFile =
  /^(change-?logs?|changes|history|releases?([-_]?notes)?|licen[cs]es?|copying|notices?|third-?party-?notices?)([-_.]|$)/i

function isDocument(name: string): boolean {
  return (/\.(md|markdown|html?)$/i.test(name) || /^readme$/i.test(name)) && !skippedFile.test(name)
}

async function isOtherPackage(folder: string, pack: InstalledPackage): Promise<boolean> {
  const facts = await readFacts(folder)
  return facts !== null && facts.name !== pack.name && !facts.name.startsWith(`${pack.name}/`)
}

async function packageFolders(nodeModules: string): Promise<string[]> {
  const folders: string[] = []
  for (const name of await subfolders(nodeModules)) {
    if (name.startsWith('.')) continue
    if (!name.startsWith('@')) folders.push(join(nodeModules, name))
    else
      for (const inScope of await subfolders(join(nodeModules, name)))
        folders.push(join(nodeModules, name, inScope))
  }
  return folders
}

/** [] if the folder is absent: most packages have no node_modules of their own. */
async function subfolders(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(unlessAbsent([]))
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
}

async function readFacts(dir: string): Promise<z.infer<typeof PackageFacts> | null> {
  const text = await readFile(join(dir, 'package.json'), 'utf8').catch(unlessAbsent(null))
  if (text === null) return null
  try {
    return PackageFacts.safeParse(JSON.parse(text)).data ?? null
  } catch (error) {
    if (error instanceof SyntaxError) return null // Not a package, despite the file's name.
    throw error
  }
}

function unlessAbsent<Value>(value: Value) {
  return (error: NodeJS.ErrnoException): Value => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return value
    throw error
  }
}

function isScoped(pack: InstalledPackage): boolean {
  return pack.name.startsWith('@')
}
