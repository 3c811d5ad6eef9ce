import { beforeAll, expect, test } from 'vitest'
import { createBuilds } from '#webindex/build/build-index.ts'
import type { Manifest } from '#webindex/manifest.ts'
import { schema } from '#webindex/schema.ts'
import type { SourceItem } from '#webindex/source.ts'
import {
  columnsOf,
  type Row,
  readTable,
  sharedFolder,
  sourceOf,
  temporaryFolder,
} from '../index-fixture.ts'

/*
 * Builds an index of about forty generated pages in three overlapping datasets, computes every
 * table a second time in plain loops, and compares them row by row.
 */

interface Address {
  url: string
  key: string
  host: string
  site: string
}
interface PlainLink {
  to: Address
  anchor: string
  nofollow: boolean
  kind: 'text' | 'image' | 'metadata' | 'reported'
}
interface PlainPage extends Address {
  title: string
  text: string
  seenAt: Date
  source: string
  links: PlainLink[]
}

/** The same numbers in each run: a linear congruential generator (Numerical Recipes). */
let state = 20260506
function random(below: number): number {
  state = (state * 1664525 + 1013904223) >>> 0
  return Math.floor((state / 2 ** 32) * below)
}
function pick<Item>(items: readonly Item[]): Item {
  const item = items[random(items.length)]
  if (item === undefined) throw new Error('Nothing to pick from')
  return item
}

const vocabulary =
  'red blue green tree house river stone cloud light night day road sea wind fire bird'.split(' ')
const someWords = (limit: number) =>
  Array.from({ length: 1 + random(limit) }, () => pick(vocabulary)).join(' ')
/** Sentences end at a full stop, paragraphs at a line break; both end a phrase. */
const someText = () =>
  Array.from({ length: random(4) }, () => `${someWords(7)}.${pick([' ', '\n'])}`).join('')

/** Spells the address of a page in several ways with the same `key`. */
function addressOn(n: number, path: number): Address {
  const site = n % 5 === 4 ? `github.com/owner${n}` : `site${n}.com`
  const host = n % 5 === 4 ? 'github.com' : pick(['', 'docs.']) + site
  const rest = n % 5 === 4 ? `/owner${n}/p${path}` : `/p${path}`
  const www = host === site ? pick(['', 'www.']) : ''
  return { url: `https://${www}${host}${rest}`, key: `https://${host}${rest}`, host, site }
}
const addresses = Array.from({ length: 60 }, (_, n) => addressOn(n % 13, n % 9))

function pageIn(source: string, address: Address): PlainPage {
  const links = Array.from({ length: random(8) }, () => ({
    to: pick(addresses),
    anchor: pick(['', someWords(3), someWords(5)]),
    nofollow: random(4) === 0,
    kind: pick(['text', 'text', 'text', 'image', 'metadata', 'reported'] as const),
  }))
  const seenAt = new Date(Date.UTC(2026, 0, 1 + random(300), 1, 2, 3, 4))
  return { ...address, title: pick(['', someWords(6)]), text: someText(), seenAt, source, links }
}

const written = {
  first: addresses.slice(0, 22).map((address) => pageIn('first', address)),
  // Eight pages of the first dataset, and one page twice.
  second: [...addresses.slice(14, 34), ...addresses.slice(20, 21)].map((address) =>
    pageIn('second', address),
  ),
  third: addresses.slice(30, 40).map((address) => pageIn('third', address)),
}
const secondQueries = [
  { query: 'Red house', searches: 10, clicks: 1, position: 4 },
  { query: 'purple dinosaur', searches: 7, clicks: 0, position: null },
  { query: 'how to paint a red house', searches: 3, clicks: 3, position: 1.5 },
]
const thirdQueries = [
  { query: 'red house', searches: 30, clicks: 2, position: 2 },
  { query: 'blue', searches: 5, clicks: 0, position: 8 },
  { query: '???', searches: 1, clicks: 0, position: 1 },
]
const secondEdges = [
  { fromSite: 'far.com', toSite: 'site1.com', linkingPages: 5, targetPages: null },
  { fromSite: 'site1.com', toSite: 'site1.com', linkingPages: 1, targetPages: 1 },
  { fromSite: 'site2.com', toSite: 'site3.com', linkingPages: 9, targetPages: 9 },
  { fromSite: 'site0.com', toSite: 'site1.com', linkingPages: 9, targetPages: 9 },
]
const thirdEdges = [
  { fromSite: 'far.com', toSite: 'site1.com', linkingPages: 7, targetPages: 2 },
  { fromSite: 'far.com', toSite: 'farther.com', linkingPages: null, targetPages: null },
]
const secondRanks = [
  { site: 'far.com', position: 70 },
  { site: 'ranked.com', position: 3 },
]
const thirdRanks = [
  { site: 'site1.com', position: 12 },
  { site: 'far.com', position: 60 },
]

const toItem = ({ url, title, text, seenAt, source, links }: PlainPage): SourceItem => ({
  page: {
    url,
    title,
    text,
    seenAt,
    source,
    words: text.length,
    links: links.map(({ to, ...link }) => ({ href: to.url, ...link })),
  },
})
const datasets = [
  sourceOf('first', written.first.map(toItem)),
  sourceOf('second', [
    ...written.second.map(toItem),
    ...secondQueries.map((query) => ({ query })),
    ...secondEdges.map((edge) => ({ edge })),
    ...secondRanks.map((rank) => ({ rank })),
  ]),
  sourceOf('third', [
    ...thirdEdges.map((edge) => ({ edge })),
    ...thirdRanks.map((rank) => ({ rank })),
    ...thirdQueries.map((query) => ({ query })),
    ...written.third.map(toItem),
  ]),
]

// The expected tables, computed without any code of the build.
const pages = [
  ...new Map(
    [...written.first, ...written.second, ...written.third].map((page) => [page.key, page]),
  ).values(),
]
const links = pages.flatMap((page) =>
  page.links.filter((link) => link.to.key !== page.key).map((link) => ({ ...link, from: page })),
)
const seenLinks = links.filter(({ kind, from, to }) => kind !== 'metadata' && from.site !== to.site)
const allEdges = [
  { source_site: 'far.com', target_site: 'farther.com', linking_pages: null, target_pages: null },
  { source_site: 'far.com', target_site: 'site1.com', linking_pages: 7n, target_pages: 2n },
  { source_site: 'site0.com', target_site: 'site1.com', linking_pages: 9n, target_pages: 9n },
  { source_site: 'site2.com', target_site: 'site3.com', linking_pages: 9n, target_pages: 9n },
]
const pairs = new Set([
  ...seenLinks.map(({ from, to }) => `${from.site} ${to.site}`),
  ...allEdges.map((edge) => `${edge.source_site} ${edge.target_site}`),
])
const graphSites = [
  ...new Set([
    ...pages.map((page) => page.site),
    ...links.flatMap(({ from, to }) => [from.site, to.site]),
    ...allEdges.flatMap((edge) => [edge.source_site, edge.target_site]),
  ]),
]
const webRanks = new Map([
  ['far.com', 60],
  ['ranked.com', 3],
  ['site1.com', 12],
])

/** Rank 0…100 of each site: PageRank by matrix multiplication until it converges. */
function plainRanks(): Map<string, number> {
  const n = graphSites.length
  const linked = (from: string, to: string) => pairs.has(`${from} ${to}`)
  const outgoing = graphSites.map((from) => graphSites.filter((to) => linked(from, to)).length)
  const matrix = graphSites.map((to) =>
    graphSites.map((from, f) =>
      outgoing[f] === 0 ? 1 / n : linked(from, to) ? 1 / (outgoing[f] ?? 1) : 0,
    ),
  )
  let rank = graphSites.map(() => 1 / n)
  for (let round = 0; round < 400; round++) {
    rank = matrix.map(
      (row) => 0.15 / n + 0.85 * row.reduce((sum, share, f) => sum + share * (rank[f] ?? 0), 0),
    )
  }
  const lower = (value: number) => rank.filter((other) => other < value - 1e-9).length
  return new Map(
    graphSites.map((site, s) => [site, Math.round((lower(rank[s] ?? 0) / n) * 1000) / 10]),
  )
}
const ranks = plainRanks()

const segmentsOf = (text: string) =>
  text.split(/[.\n]/).map((part) => part.split(' ').filter(Boolean))
function phrasesIn(text: string): string[] {
  return segmentsOf(text).flatMap((tokens) =>
    tokens.flatMap((_, at) =>
      [1, 2, 3, 4]
        .filter((n) => at + n <= tokens.length)
        .map((n) => tokens.slice(at, at + n).join(' ')),
    ),
  )
}

function plainPhrases(): Map<string, Row> {
  const counted = new Map<
    string,
    {
      uses: number
      pages: Set<string>
      sites: Set<string>
      titled: Set<string>
      linked: Set<string>
    }
  >()
  const countsOf = (phrase: string) => {
    const counts = counted.get(phrase) ?? {
      uses: 0,
      pages: new Set(),
      sites: new Set(),
      titled: new Set(),
      linked: new Set(),
    }
    counted.set(phrase, counts)
    return counts
  }
  for (const page of pages) {
    for (const phrase of phrasesIn(page.title)) countsOf(phrase).titled.add(page.key)
    for (const phrase of [...phrasesIn(page.title), ...phrasesIn(page.text)]) {
      const counts = countsOf(phrase)
      counts.uses++
      counts.pages.add(page.key)
      counts.sites.add(page.site)
    }
  }
  for (const { anchor, kind, to } of links) {
    if (kind === 'text' || kind === 'image')
      for (const phrase of phrasesIn(anchor)) countsOf(phrase).linked.add(to.key)
  }
  const queries = new Map<string, Row>([
    ['red house', { searches: 40n, clicks: 3n, position: 2.5 }],
    ['purple dinosaur', { searches: 7n, clicks: 0n, position: null }],
    ['how to paint a red house', { searches: 3n, clicks: 3n, position: 1.5 }],
    ['blue', { searches: 5n, clicks: 0n, position: 8 }],
  ])
  const noLog = { searches: null, clicks: null, position: null }
  const rows = new Map<string, Row>()
  for (const phrase of queries.keys()) countsOf(phrase)
  for (const [phrase, { uses, pages, sites, titled, linked }] of counted) {
    const words = phrase.split(' ').length
    if (pages.size < 2 && titled.size === 0 && linked.size === 0 && !queries.has(phrase)) continue
    const iaat = [...titled].filter((key) => linked.has(key)).length
    const counts = {
      uses,
      pages: pages.size,
      sites: sites.size,
      in_title: titled.size,
      in_anchor: linked.size,
      iaat,
    }
    const columns = Object.fromEntries(
      Object.entries(counts).map(([name, value]) => [name, words > 4 ? null : BigInt(value)]),
    )
    rows.set(phrase, { phrase, words, ...columns, ...(queries.get(phrase) ?? noLog) })
  }
  return rows
}

let dir: string
let manifest: Manifest
const shards = 3

beforeAll(async () => {
  dir = sharedFolder()
  const builds = createBuilds({ dir, shards, now: () => new Date() })
  const { signal } = new AbortController()
  for (const dataset of datasets) manifest = (await builds.add(dataset, { signal })).manifest
})

const byText = (a: unknown, b: unknown) => (String(a) < String(b) ? -1 : 1)
const sorted = (rows: Row[]) => rows.map((row) => JSON.stringify(row, plain)).sort(byText)
const plain = (_: string, value: unknown) => (typeof value === 'bigint' ? Number(value) : value)

test('every table has the columns that the schema names', async () => {
  for (const [name, columns] of Object.entries(schema)) {
    const table = Object.entries(manifest.tables).find(([table]) => table === name)?.[1]
    const expected = columns.split(',').map((column) => column.trim().split(/\s+/).join(' '))
    expect(await columnsOf(dir, table?.shards ?? [])).toEqual(expected)
  }
})

test('a page counts once: its last version in the dataset added last', async () => {
  const expected = pages.map(({ url, key, site, host, title, text, source, seenAt }) => ({
    url,
    key,
    site,
    host,
    title,
    words: text.length,
    source,
    seen_at: seenAt.toISOString(),
  }))
  const rows = await readTable(dir, manifest.tables.pages.shards)
  expect(sorted(rows)).toEqual(sorted(expected))
  expect(rows.map((row) => row.key)).toEqual(rows.map((row) => row.key).sort(byText))
  expect(rows.length).toBeLessThan(
    written.first.length + written.second.length + written.third.length - 8,
  )
})

test('links are those of the pages that count, with the ranks of their source sites', async () => {
  const expected = links.map(({ from, to, anchor, nofollow, kind }) => ({
    source_url: from.url,
    source_site: from.site,
    source_host: from.host,
    target_url: to.key,
    target_host: to.host,
    target_site: to.site,
    anchor,
    nofollow,
    kind,
    seen_at: from.seenAt.toISOString(),
    source_rank: ranks.get(from.site),
    source_web_rank: webRanks.get(from.site) ?? null,
  }))
  expect(sorted(await readTable(dir, manifest.tables.links.shards))).toEqual(sorted(expected))
})

test('each file of links is sorted by target and has all links of its source sites', async () => {
  const shardOf = new Map<unknown, number>()
  for (const [shard, file] of manifest.tables.links.shards.entries()) {
    const rows = await readTable(dir, [file])
    const order = rows.map((row) =>
      [row.target_site, row.target_host, row.target_url, row.source_site, row.source_url].join(
        '\0',
      ),
    )
    expect(order).toEqual([...order].sort(byText))
    for (const row of rows) {
      expect(shardOf.get(row.source_site) ?? shard).toBe(shard)
      shardOf.set(row.source_site, shard)
    }
    for (const row of await readTable(
      dir,
      manifest.tables.edges?.shards.slice(shard, shard + 1) ?? [],
    )) {
      expect(shardOf.get(row.source_site) ?? shard).toBe(shard)
      shardOf.set(row.source_site, shard)
    }
  }
  expect(new Set(shardOf.values()).size).toBe(shards)
})

test('edges are those without a link, with the highest counts of several datasets', async () => {
  const linked = new Set(seenLinks.map(({ from, to }) => `${from.site} ${to.site}`))
  const expected = allEdges
    .filter((edge) => !linked.has(`${edge.source_site} ${edge.target_site}`))
    .map((edge) => ({
      ...edge,
      source_rank: ranks.get(edge.source_site),
      source_web_rank: webRanks.get(edge.source_site) ?? null,
    }))
  expect(sorted(await readTable(dir, manifest.tables.edges?.shards ?? []))).toEqual(
    sorted(expected),
  )
  expect(expected.length).toBeGreaterThan(1)
})

test('sites have their numbers of pages and referring domains, and their ranks', async () => {
  const names = [...new Set([...graphSites, ...webRanks.keys()])].sort(byText)
  const expected = names.map((site) => ({
    site,
    pages: BigInt(pages.filter((page) => page.site === site).length),
    linking_sites: BigInt([...pairs].filter((pair) => pair.endsWith(` ${site}`)).length),
    rank: ranks.get(site) ?? null,
    web_rank: webRanks.get(site) ?? null,
  }))
  expect(await readTable(dir, manifest.tables.sites.shards)).toEqual(expected)
})

test('phrases are counted over titles, texts, anchors and query logs', async () => {
  const expected = [...plainPhrases().values()].flatMap((row) =>
    [...new Set(String(row.phrase).split(' '))].map((token) => ({ token, ...row })),
  )
  const rows = await readTable(dir, manifest.tables.phrases.shards)
  expect(sorted(rows)).toEqual(sorted(expected))
  expect(expected.some((row) => 'iaat' in row && row.iaat !== null && row.iaat !== 0n)).toBe(true)
})

test('each file of phrases is sorted by token, and each phrase is in one file', async () => {
  const shardOf = new Map<unknown, number>()
  for (const [shard, file] of manifest.tables.phrases.shards.entries()) {
    const rows = await readTable(dir, [file])
    const order = rows.map((row) => `${row.token}\0${row.phrase}`)
    expect(order).toEqual([...order].sort(byText))
    for (const { phrase } of rows) {
      expect(shardOf.get(phrase) ?? shard).toBe(shard)
      shardOf.set(phrase, shard)
    }
  }
  expect(new Set(shardOf.values()).size).toBe(shards)
})

test('the manifest has the counts of the index and of each dataset', () => {
  expect(manifest.counts).toEqual({
    pages: pages.length,
    links: links.length,
    externalLinks: links.filter(({ from, to }) => from.site !== to.site).length,
    sites: new Set(pages.map((page) => page.site)).size,
    targetSites: new Set(
      links.filter(({ from, to }) => from.site !== to.site).map(({ to }) => to.site),
    ).size,
    phrases: plainPhrases().size,
    queries: 4,
    edges: manifest.tables.edges?.shards.reduce((sum, { rows }) => sum + rows, 0),
  })
  const [first, second, third] = manifest.sources
  expect(first).toMatchObject({ name: 'first', pages: 22, queries: 0, edges: 0, ranks: 0, bad: 0 })
  expect(second).toMatchObject({
    name: 'second',
    pages: 20,
    queries: 3,
    edges: 4,
    ranks: 2,
    bad: 0,
  })
  expect(third).toMatchObject({ name: 'third', pages: 10, queries: 2, edges: 2, ranks: 2, bad: 1 })
})

test('phrases of thousands of pages have the sums of the counts of each page', async () => {
  const dir = temporaryFolder()
  const texts = Array.from({ length: 2_500 }, (_, n) => `a${n % 3} b${n % 7} c${n % 500} d${n}`)
  const items = texts.map(
    (text, n): SourceItem =>
      toItem({
        ...addressOn(n % 4, n),
        title: '',
        text,
        seenAt: new Date(0),
        source: 'many',
        links: [],
      }),
  )
  const builds = createBuilds({ dir, shards: 1, now: () => new Date() })
  const built = await builds.add(sourceOf('many', items), { signal: new AbortController().signal })
  const uses = new Map<string, number>()
  for (const phrase of texts.flatMap(phrasesIn)) uses.set(phrase, (uses.get(phrase) ?? 0) + 1)
  const expected = [...uses].filter(([, count]) => count > 1).sort(([a], [b]) => byText(a, b))
  const rows = await readTable(dir, built.manifest.tables.phrases.shards)
  const found = new Map(rows.map((row) => [String(row.phrase), Number(row.pages)]))
  expect([...found].sort(([a], [b]) => byText(a, b))).toEqual(expected)
  expect(rows.every((row) => row.uses === row.pages)).toBe(true)
})
