import { readFile } from 'node:fs/promises'
import { join, posix } from 'node:path'
import hostedGitInfo from 'hosted-git-info'
import type { DocumentLink, WebDocument } from '../../pages/document.ts'
import { type HtmlPage, readHtml } from '../../pages/read-html.ts'
import { readMarkdown } from '../../pages/read-markdown.ts'
import { addressOf } from '../../pages/web-address.ts'
import { findDocuments, findPackages, type InstalledPackage } from './find-packages.ts'

export interface PackageSource {
  nodeModules: string
  /** The date of every page: files from a package registry have no usable dates. */
  seenAt: Date
  signal: AbortSignal
  /** @param done packages read so far, out of `total`. */
  onProgress(done: number, total: number): void
}

const source = 'installed npm packages'

/**
 * The documents in installed packages, at the addresses that follow from their package.json. Omits
 * documents without an address.
 */
export async function* packageDocuments({
  nodeModules,
  seenAt,
  signal,
  onProgress,
}: PackageSource): AsyncGenerator<WebDocument> {
  const packages = await findPackages(nodeModules)
  const taken = new Set<string>()
  for (const [done, pack] of packages.entries()) {
    signal.throwIfAborted()
    onProgress(done, packages.length)
    yield* documentsOf(pack, { taken, seenAt })
  }
  onProgress(packages.length, packages.length)
}

async function* documentsOf(
  pack: InstalledPackage,
  { taken, seenAt }: { taken: Set<string>; seenAt: Date },
): AsyncGenerator<WebDocument> {
  const paths = await findDocuments(pack)
  const readme = paths.find((path) => /^readme(\.(md|markdown|html?))?$/i.test(path))
  const mainPage = takeFirst(mainPageCandidates(pack, readme), taken)

  // Assign all addresses first: links between the documents are resolved through them.
  const urls = new Map<string, string>()
  if (mainPage && readme) urls.set(readme, mainPage)
  for (const path of paths) {
    const url = path === readme ? null : takeFirst([fileUrl(pack, path)], taken)
    if (url) urls.set(path, url)
  }

  const resolve = (path: string) => (href: string) => resolveLink(href, path, urls)
  if (mainPage) {
    const page = readme
      ? await readPage(pack, readme)
      : { title: '', words: 0, text: '', links: [] }
    const links = [...toLinks(page, resolve(readme ?? '')), ...declaredLinks(pack)]
    yield {
      url: mainPage,
      title: page.title || pack.name,
      words: page.words,
      text: page.text,
      seenAt,
      source,
      links,
    }
  }
  for (const [path, url] of urls) {
    if (path === readme) continue
    const page = await readPage(pack, path)
    if (page.words === 0) continue // An application shell, not a document.
    yield {
      url,
      title: page.title || path,
      words: page.words,
      text: page.text,
      seenAt,
      source,
      links: toLinks(page, resolve(path)),
    }
  }
}

async function readPage(pack: InstalledPackage, path: string): Promise<HtmlPage> {
  const text = await readFile(join(pack.dir, path), 'utf8')
  return /\.html?$/i.test(path) ? readHtml(text) : readMarkdown(text)
}

function toLinks(page: HtmlPage, resolve: (href: string) => string | null): DocumentLink[] {
  return page.links.flatMap(({ href, ...link }) => {
    const url = resolve(href)
    return url ? [{ ...link, href: url }] : []
  })
}

/**
 * Keeps a relative link only if it leads to another document of the package. Others may be relative
 * to the repository or to the project's site: their target is unknown, and links are never guessed.
 */
function resolveLink(href: string, from: string, urls: Map<string, string>): string | null {
  if (/^(https?:)?\/\//i.test(href)) return href.startsWith('//') ? `https:${href}` : href
  if (/^([a-z][a-z\d+.-]*:|\/|#)/i.test(href)) return null
  const [path = ''] = href.split(/[?#]/)
  return urls.get(posix.join(posix.dirname(from), path)) ?? null
}

/**
 * Possible addresses of the package's own page, best first. Packages in one repository often share
 * a homepage, so there are alternatives.
 */
function mainPageCandidates(
  pack: InstalledPackage,
  readme: string | undefined,
): (string | undefined)[] {
  const { repository } = pack
  const directory = typeof repository === 'object' ? repository.directory : undefined
  const git = hostedRepository(pack)
  return [
    pack.homepage,
    git && (directory ? git.browse(directory) : git.browse()),
    readme && fileUrl(pack, readme),
  ]
}

/** The address of a file in the repository. Generated files may not exist there. */
function fileUrl(pack: InstalledPackage, path: string): string | undefined {
  const directory = typeof pack.repository === 'object' ? (pack.repository.directory ?? '') : ''
  const full = encodeURI(posix.join(directory, path)).replace(/[?#]/g, encodeURIComponent)
  // browseFile is missing from the library's types. Code hosts show files at /blob/, folders at
  // /tree/.
  return hostedRepository(pack)
    ?.browse(full, { committish: 'HEAD' })
    .replace('/tree/HEAD/', '/blob/HEAD/')
}

function hostedRepository({ repository }: InstalledPackage) {
  const url = typeof repository === 'string' ? repository : repository?.url
  return url ? hostedGitInfo.fromUrl(url) : undefined
}

/** The links in package.json. Their kind is `metadata`, as they are on no page. */
function declaredLinks(pack: InstalledPackage): DocumentLink[] {
  const funding = [pack.funding ?? []]
    .flat()
    .map((entry) => (typeof entry === 'string' ? entry : entry.url))
  const hrefs = [
    pack.homepage,
    hostedRepository(pack)?.browse(),
    pack.bugs?.url,
    pack.author?.url,
    ...funding,
  ]
  return hrefs.flatMap((href) =>
    href ? [{ href, anchor: '', nofollow: false, kind: 'metadata' as const }] : [],
  )
}

/** Takes the first candidate on the public web that no other document has taken. */
function takeFirst(candidates: (string | undefined)[], taken: Set<string>): string | null {
  for (const candidate of candidates) {
    const address = candidate ? addressOf(candidate) : null
    if (!address || taken.has(address.key)) continue
    taken.add(address.key)
    return address.url
  }
  return null
}
