import { readFile } from 'node:fs/promises'
import { join, posix } from 'node:path'
import hostedGitInfo from 'hosted-git-info'
import type { DocumentLink, WebDocument } from '../../pages/document.ts'
import type { HtmlPage } from '../../pages/read-html.ts'
import { readHtml } from '../../pages/read-html.ts'
import { readMarkdown } from '../../pages/read-markdown.ts'
import { addressOf } from '../../pages/web-address.ts'
import { findDocuments, findPackages, type InstalledPackage } from './find-packages.ts'

export interface PackageSource {
  nodeModules: string
  /** Files from a package registry carry no usable dates, so each page was seen now. */
  seenAt: Date
  signal: AbortSignal
  /** @param done packages read, of `total`. */
  onProgress(done: number, total: number): void
}

const source = 'installed npm packages'

/**
 * The documents that installed packages ship, each under the address that its package gives;
 * without any address they are left out.
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

  // Addresses come before pages: links from one document to another are resolved through them.
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
    if (page.words === 0) continue // The shell of an application, not a document.
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
 * A relative link is kept only if it leads to another document of the package: what the others were
 * meant to be relative to (the repository, the project's own site) can't be known from here, and
 * links are never invented.
 */
function resolveLink(href: string, from: string, urls: Map<string, string>): string | null {
  if (/^(https?:)?\/\//i.test(href)) return href.startsWith('//') ? `https:${href}` : href
  if (/^([a-z][a-z\d+.-]*:|\/|#)/i.test(href)) return null
  const [path = ''] = href.split(/[?#]/)
  return urls.get(posix.join(posix.dirname(from), path)) ?? null
}

/**
 * Where the package's own page may be, best first: packages of one repository often share a
 * homepage.
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

/** Below the repository. Files that are made by a build may not be there under the same path. */
function fileUrl(pack: InstalledPackage, path: string): string | undefined {
  const directory = typeof pack.repository === 'object' ? (pack.repository.directory ?? '') : ''
  const full = encodeURI(posix.join(directory, path)).replace(/[?#]/g, encodeURIComponent)
  // The library's browseFile is missing from its types; a host shows a file at blob where it shows
  // a folder at tree.
  return hostedRepository(pack)
    ?.browse(full, { committish: 'HEAD' })
    .replace('/tree/HEAD/', '/blob/HEAD/')
}

function hostedRepository({ repository }: InstalledPackage) {
  const written = typeof repository === 'string' ? repository : repository?.url
  return written ? hostedGitInfo.fromUrl(written) : undefined
}

/**
 * What the package.json says, as links of their own kind: they were declared, nobody saw them on a
 * page.
 */
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

/** The first address that is a page of the web and that no document has yet. */
function takeFirst(candidates: (string | undefined)[], taken: Set<string>): string | null {
  for (const candidate of candidates) {
    const address = candidate ? addressOf(candidate) : null
    if (!address || taken.has(address.key)) continue
    taken.add(address.key)
    return address.url
  }
  return null
}
