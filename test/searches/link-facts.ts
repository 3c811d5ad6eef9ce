import { linkTo, pageAt } from '#test/webindex/index-fixture.ts'
import type { SourceItem } from '#webindex/source.ts'
import { dice } from './run-search.ts'

const pick = dice(23)
const linkingSites = [
  ...Array.from({ length: 24 }, (_, n) => `source${n}.com`),
  'mine.org',
  'rival.net',
  'github.com/ann',
  'github.com',
]
const targets = [
  { site: 'mine.org', href: 'https://www.mine.org/a' },
  { site: 'mine.org', href: 'https://mine.org/b' },
  { site: 'rival.net', href: 'https://rival.net/' },
  { site: 'rival.net', href: 'https://docs.rival.net/x' },
  { site: 'other.co.uk', href: 'https://other.co.uk/1' },
  { site: 'github.com/ann', href: 'https://github.com/ann/x' },
  { site: 'github.com/bob', href: 'https://github.com/bob/y' },
  { site: 'github.com', href: 'https://github.com/features' },
  { site: 'rival.network', href: 'https://rival.network/' },
]
const urlOf = (site: string, page: number) =>
  site === 'github.com' ? `https://docs.github.com/${page}` : `https://${site}/p/${page}`
const dateOf = (url: string) => new Date(Date.UTC(2026, 2, 1 + (url.length % 20), url.length % 24))

const pages = linkingSites.flatMap((site) =>
  [1, 2, 3].map((page) => {
    const url = urlOf(site, page)
    // Few targets for most sites, so that sites differ in what they link to.
    const links = Array.from({ length: pick([0, 1, 2, 6]) }, () => ({
      ...pick(targets),
      nofollow: pick([true, false]),
      kind: pick(['text', 'text', 'metadata'] as const),
    }))
    return { site, url, links }
  }),
)

/** All links that count, each with its page. */
export const linkFacts = pages.flatMap(({ site, url, links }) =>
  links
    .filter(({ kind }) => kind !== 'metadata')
    .map((link) => ({
      from: site,
      url,
      seenAt: dateOf(url),
      to: link.site,
      follow: !link.nofollow,
    })),
)

export const edgeFacts = [
  { from: 'graph.net', to: 'rival.net' },
  { from: 'graph.net', to: 'other.co.uk' },
  { from: 'both.net', to: 'rival.net' },
  { from: 'both.net', to: 'mine.org' },
  { from: 'source1.com', to: 'rival.net' },
  { from: 'source2.com', to: 'mine.org' },
  { from: 'graph.net', to: 'github.com/ann' },
]

export const webRanks = [
  { site: 'source3.com', position: 7 },
  { site: 'mine.org', position: 40 },
]

export const pagesOfSite = (site: string) =>
  pages.filter((page) => page.site === site || page.site.startsWith(`${site}/`)).length

export function linkItems(): SourceItem[] {
  return [
    ...pages.map(({ url, links }) => ({
      page: pageAt(
        url,
        links.map(({ href, nofollow, kind }) => linkTo(href, { nofollow, kind, anchor: 'x' })),
        { seenAt: dateOf(url) },
      ),
    })),
    ...edgeFacts.map(({ from, to }) => ({
      edge: { fromSite: from, toSite: to, linkingPages: null, targetPages: null },
    })),
    ...webRanks.map((rank) => ({ rank })),
  ]
}

/** Whether this site is the other one or, for a whole code host, an owner on it. */
export const within = (site: string, whole: string) =>
  site === whole || site.startsWith(`${whole}/`)
