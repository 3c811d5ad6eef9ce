import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { NoNetwork } from '#crawler/errors.ts'
import type { Web } from '#crawler/web.ts'
import type { Row } from '#jobs/define-search.ts'
import { PassingError, SearchFailed } from '#jobs/errors.ts'
import { linkingDomains } from '#searches/linking-domains.ts'
import { answer, localSites, webOf } from '#test/crawler/local-sites.ts'
import {
  linkTo,
  pageAt,
  pagesOf,
  temporaryFolder,
  writeTree,
} from '#test/webindex/index-fixture.ts'
import { copyStarterIndex } from '#test/webindex/starter-index.ts'
import { readManifest } from '#webindex/manifest.ts'
import type { WebDocument } from '#webindex/pages/document.ts'
import type { IndexEngine } from '#webindex/query/engine.ts'
import type { SourceItem } from '#webindex/source.ts'
import { starterSource } from '#webindex/sources/packages/packages-source.ts'
import { breakFile } from './break-file.ts'
import { builtIndex, dice, engineOf, engineOver, runSearch } from './run-search.ts'

type Options = Parameters<typeof runSearch>[3]
const search = (engine: IndexEngine, input: Record<string, unknown>, options?: Options) =>
  runSearch(linkingDomains, engine, input, options)
const pageItems = (pages: WebDocument[]): SourceItem[] => pages.map((page) => ({ page }))

/** Link sources and targets with hand-written site, host and page, in the spellings pages use. */
const sources = [
  { site: 'a.com', urls: ['https://a.com/1', 'http://www.a.com/2', 'https://blog.a.com/3'] },
  { site: 'b.co.uk', urls: ['https://b.co.uk/', 'https://x.y.b.co.uk/'] },
  { site: 'c.github.io', urls: ['https://c.github.io/'] },
  {
    site: 'github.com/ann',
    urls: ['https://github.com/ann/x', 'https://github.com/Ann/y', 'https://gist.github.com/ann/z'],
  },
  { site: 'github.com/bob', urls: ['https://github.com/bob'] },
  { site: 'github.com', urls: ['https://docs.github.com/en'] },
  { site: 'redis.io', urls: ['https://redis.io/', 'https://docs.redis.io/a'] },
]
const targets = [
  {
    site: 'redis.io',
    host: 'redis.io',
    page: 'redis.io',
    spellings: ['https://redis.io', 'http://www.redis.io/#top'],
  },
  {
    site: 'redis.io',
    host: 'redis.io',
    page: 'redis.io/a',
    spellings: ['https://redis.io/a/', 'http://redis.io/a#b'],
  },
  {
    site: 'redis.io',
    host: 'docs.redis.io',
    page: 'docs.redis.io/a',
    spellings: ['https://docs.redis.io/a'],
  },
  {
    site: 'github.com/ann',
    host: 'github.com',
    page: 'github.com/ann/x',
    spellings: ['https://github.com/ann/x', 'http://github.com/ann/x/'],
  },
  {
    site: 'github.com/bob',
    host: 'github.com',
    page: 'github.com/bob',
    spellings: ['https://www.github.com/bob'],
  },
  {
    site: 'github.com',
    host: 'github.com',
    page: 'github.com/features',
    spellings: ['https://github.com/features'],
  },
  {
    site: 'github.com',
    host: 'docs.github.com',
    page: 'docs.github.com/en',
    spellings: ['https://docs.github.com/en'],
  },
  {
    site: 'github.community',
    host: 'github.community',
    page: 'github.community',
    spellings: ['https://github.community/'],
  },
]
const anchors = ['', 'Redis', 'redis', 'Zebra', 'ägypten', '😀 smile', 'docs']

const pick = dice(7)
const facts = Array.from({ length: 1500 }, () => {
  const source = pick(sources)
  const target = pick(targets)
  const from = pick(source.urls)
  return {
    from,
    fromSite: source.site,
    ...target,
    href: pick(target.spellings),
    anchor: pick(anchors),
    nofollow: pick([true, false, false]),
    kind: pick(['text', 'text', 'image', 'metadata'] as const),
  }
})
const dateOf = (url: string) =>
  new Date(Date.UTC(2026, 0, 1 + (url.length % 9), 1, 2, 3, url.length))

/** Links that Search Console reports: this page links to that property. */
const reported = [
  { from: 'https://reported.org/1', fromSite: 'reported.org' },
  { from: 'https://reported.org/2', fromSite: 'reported.org' },
  { from: 'https://blog.a.com/3', fromSite: 'a.com' },
].map((from) => ({
  ...from,
  ...{ site: 'redis.io', host: 'redis.io', page: 'redis.io', href: 'https://redis.io/' },
  ...{ anchor: '', nofollow: false, kind: 'reported' as const },
}))
const allFacts = [...facts, ...reported]

/** Edges from a graph or a table of sites. The index also holds the links of a.com themselves. */
const edges = [
  { fromSite: 'graph.net', toSite: 'redis.io', linkingPages: null, targetPages: null },
  { fromSite: 'table.net', toSite: 'redis.io', linkingPages: 12, targetPages: 3 },
  { fromSite: 'table.net', toSite: 'redis.io', linkingPages: 10, targetPages: 4 },
  { fromSite: 'a.com', toSite: 'redis.io', linkingPages: 99, targetPages: 99 },
  { fromSite: 'graph.net', toSite: 'github.com/ann', linkingPages: null, targetPages: null },
  { fromSite: 'graph.net', toSite: 'github.com/bob', linkingPages: 2, targetPages: 1 },
  { fromSite: 'github.com/cat', toSite: 'github.com/bob', linkingPages: null, targetPages: null },
]
const ranks = [
  { site: 'a.com', position: 17 },
  { site: 'graph.net', position: 4 },
  { site: 'elsewhere.com', position: 1 },
]

function factItems(): SourceItem[] {
  const urls = [
    ...new Set([...sources.flatMap((source) => source.urls), ...reported.map((fact) => fact.from)]),
  ]
  const pages = urls.map((url) => {
    const links = allFacts.filter((fact) => fact.from === url)
    return pageAt(
      url,
      links.map(({ href, ...more }) =>
        linkTo(href, { anchor: more.anchor, nofollow: more.nofollow, kind: more.kind }),
      ),
      { seenAt: dateOf(url) },
    )
  })
  return [
    ...pageItems(pages),
    ...edges.map((edge) => ({ edge })),
    ...ranks.map((rank) => ({ rank })),
  ]
}

/**
 * The percentage of sites with a lower PageRank, by plain iteration (damping 0.85; a site without
 * links counts as linking to all).
 */
function expectedRanks(): Map<string, number> {
  const pairs = [
    ...allFacts
      .filter((fact) => fact.kind !== 'metadata')
      .map((fact) => [fact.fromSite, fact.site]),
    ...edges.map((edge) => [edge.fromSite, edge.toSite]),
  ]
  const sites = [
    ...new Set([
      ...sources.map(({ site }) => site),
      ...targets.map(({ site }) => site),
      ...pairs.flat(),
    ]),
  ]
  const links = new Map(
    sites.map((site) => [
      site,
      new Set(pairs.filter(([from, to]) => from === site && to !== site).map(([, to]) => to ?? '')),
    ]),
  )
  let rank = new Map(sites.map((site) => [site, 1 / sites.length]))
  for (let round = 0; round < 200; round++) {
    const next = new Map(sites.map((site) => [site, 0.15 / sites.length]))
    for (const [site, share] of rank) {
      const own = links.get(site) ?? new Set()
      const to = own.size > 0 ? [...own] : sites
      for (const each of to) next.set(each, (next.get(each) ?? 0) + (0.85 * share) / to.length)
    }
    rank = next
  }
  const rounded = new Map(
    [...rank].map(([site, share]) => [site, Math.round(share * sites.length * 1e6)]),
  )
  const lower = (share: number) => [...rounded.values()].filter((other) => other < share).length
  return new Map(
    [...rounded].map(([site, share]) => [
      site,
      Math.round((lower(share) / sites.length) * 1000) / 10,
    ]),
  )
}

const bytewise = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))
const within = (site: string, whole: string) => site === whole || site.startsWith(`${whole}/`)

/** The expected rows: a plain count of the facts, without the index. */
function expectedRows({
  site,
  scope,
  place,
  follow,
}: {
  site: string
  scope: string
  place: string
  follow: string
}) {
  const hits = allFacts.filter(
    (fact) =>
      within(fact.site, site) &&
      !within(fact.fromSite, site) &&
      (scope !== 'host' || (fact.host === place && fact.kind !== 'reported')) &&
      (scope !== 'url' || (fact.page === place && fact.kind !== 'reported')) &&
      (follow === 'all' || !fact.nofollow) &&
      fact.kind !== 'metadata',
  )
  const rank = expectedRanks()
  const known = (referring: string) => ({
    rank: rank.get(referring),
    web_rank: ranks.find((each) => each.site === referring)?.position ?? null,
    status: null,
  })
  const fromLinks = [...new Set(hits.map((hit) => hit.fromSite))].map((referring) => {
    const own = hits.filter((hit) => hit.fromSite === referring)
    const uses = new Map<string, number>()
    for (const { anchor } of own) if (anchor) uses.set(anchor, (uses.get(anchor) ?? 0) + 1)
    const [top] = [...uses].sort(([a, n], [b, m]) => m - n || bytewise(a, b))
    const dates = own.map((hit) => dateOf(hit.from).toISOString()).sort()
    return {
      site: referring,
      links: own.length,
      linking_pages: new Set(own.map((hit) => hit.from)).size,
      target_pages:
        new Set(own.filter((hit) => hit.kind !== 'reported').map((hit) => hit.page)).size || null,
      follow_links: own.filter((hit) => !hit.nofollow).length,
      top_anchor: top?.[0] ?? null,
      anchors: uses.size,
      first_seen: dates[0],
      last_seen: dates.at(-1),
      sample_url: own.map((hit) => hit.from).sort(bytewise)[0],
      ...known(referring),
    }
  })
  const edgesToTarget =
    scope === 'site' && follow === 'all'
      ? edges.filter((edge) => within(edge.toSite, site) && !within(edge.fromSite, site))
      : []
  const onlyFromEdges = [...new Set(edgesToTarget.map((edge) => edge.fromSite))].filter(
    (referring) => !fromLinks.some((row) => row.site === referring),
  )
  const largest = (counts: (number | null)[]) =>
    counts.reduce((a, b) => (a === null || (b !== null && b > a) ? b : a), null)
  const unknown = {
    links: null,
    follow_links: null,
    top_anchor: null,
    anchors: null,
    first_seen: null,
    last_seen: null,
    sample_url: null,
  }
  const fromEdges = onlyFromEdges.map((referring) => {
    const own = edgesToTarget.filter((edge) => edge.fromSite === referring)
    const counts = {
      linking_pages: largest(own.map((edge) => edge.linkingPages)),
      target_pages: largest(own.map((edge) => edge.targetPages)),
    }
    return { site: referring, ...unknown, ...counts, ...known(referring) }
  })
  return [...fromLinks, ...fromEdges]
}

const largestFirst = (a: unknown, b: unknown) => Number(b ?? -1) - Number(a ?? -1)
/** The order that the type names: links, linking pages, rank, site. */
const topFirst = (a: Record<string, unknown>, b: Record<string, unknown>) =>
  largestFirst(a.links, b.links) ||
  largestFirst(a.linking_pages, b.linking_pages) ||
  largestFirst(a.rank, b.rank) ||
  bytewise(String(a.site), String(b.site))

describe('every number matches a plain count of the raw links and edges', () => {
  const inputs = [
    { domain: 'https://www.redis.io/a', site: 'redis.io', host: 'redis.io', page: 'redis.io/a' },
    { domain: 'docs.redis.io/a', site: 'redis.io', host: 'docs.redis.io', page: 'docs.redis.io/a' },
    {
      domain: 'github.com/Ann/x',
      site: 'github.com/ann',
      host: 'github.com',
      page: 'github.com/Ann/x',
    },
    {
      domain: 'github.com/ann/x',
      site: 'github.com/ann',
      host: 'github.com',
      page: 'github.com/ann/x',
    },
    { domain: 'github.com', site: 'github.com', host: 'github.com', page: 'github.com' },
    {
      domain: 'github.community',
      site: 'github.community',
      host: 'github.community',
      page: 'github.community',
    },
  ]
  const cases = inputs.flatMap((input) =>
    (['site', 'host', 'url'] as const).flatMap((scope) =>
      (['all', 'only'] as const).map((follow) => ({ ...input, scope, follow })),
    ),
  )
  test('for all targets, scopes and link kinds', async () => {
    const engine = await engineOver(factItems())
    let sites = 0
    for (const { domain, site, host, page, scope, follow } of cases) {
      const { rows } = await search(engine, { domain, scope, follow })
      const expected = expectedRows({ site, scope, place: scope === 'host' ? host : page, follow })
      expect(rows, `${domain} ${scope} ${follow}`).toEqual(expected.sort(topFirst))
      sites += rows.length
    }
    expect(sites).toBeGreaterThan(60)
  })
})

test('links in package documents on disk are found', async () => {
  const nodeModules = temporaryFolder()
  writeTree(nodeModules, {
    'a/package.json': {
      name: 'a',
      homepage: 'https://a.dev',
      repository: 'target/a',
      bugs: { url: 'https://github.com/target/bugs' },
    },
    'a/README.md':
      '# A\n\n[Target](https://github.com/target) [Target](https://github.com/target/x) and [![ci](i.svg)](https://github.com/target/x#ci)',
    'a/guide.html': '<p>See <a rel="nofollow" href="http://github.com/Target">the target</a>',
    'b/package.json': { name: 'b', homepage: 'https://b.dev' },
    'b/README.md': '[other](https://github.com/other)',
  })
  const seenAt = new Date('2026-02-03T04:05:06.007Z')
  const engine = await engineOver(pageItems(await pagesOf(starterSource({ nodeModules, seenAt }))))
  const seen = { first_seen: seenAt.toISOString(), last_seen: seenAt.toISOString() }
  const { rows } = await search(engine, { domain: 'github.com/target' })
  // guide.html belongs to github.com/target itself, so its link doesn't count.
  expect(rows).toEqual([
    {
      site: 'a.dev',
      links: 3,
      linking_pages: 1,
      target_pages: 2,
      follow_links: 3,
      top_anchor: 'Target',
      anchors: 2,
      ...seen,
      rank: 0,
      web_rank: null,
      sample_url: 'https://a.dev/',
      status: null,
    },
  ])
})

describe('a run', () => {
  const referring = pageItems(
    Array.from({ length: 30 }, (_, n) => pageAt(`https://site${n}.com/`, ['https://target.com/'])),
  )

  test('notes its generation and reports finished shards', async () => {
    const { notes, steps, rows } = await search(await engineOver(referring), {
      domain: 'target.com',
    })
    expect(rows).toHaveLength(30)
    expect(notes).toEqual([
      expect.stringMatching(
        /^Reading the index of 2026-05-06 07:08 UTC \(generation 20260506-.*\): 30 pages, 30 links, [\d.]+ MB\.$/,
      ),
    ])
    expect(steps).toEqual(
      [0, 1, 2, 4, 5].map((done) => ({ phase: 'Ranking domains', done, total: 5, unit: 'shards' })),
    )
  })

  test('returns the top rows for every limit and says how many it left out', async () => {
    const pages = Array.from({ length: 60 }, (_, n) =>
      Array.from({ length: 1 + (n % 7) }, (_, k) =>
        pageAt(
          `https://site${n}.com/${k}`,
          Array.from({ length: 1 + (n % 5) }, (_, m) => `https://target.com/${m}`),
        ),
      ),
    )
    const edgeItems: SourceItem[] = [1, 2, 3].map((n) => ({
      edge: { fromSite: `edge${n}.com`, toSite: 'target.com', linkingPages: n, targetPages: null },
    }))
    const engine = await engineOver([...pageItems(pages.flat()), ...edgeItems], { shards: 8 })
    const whole = await search(engine, { domain: 'target.com', limit: 63 })
    expect(whole.rows).toHaveLength(63)
    expect(whole.rows).toEqual(whole.rows.toSorted(topFirst))
    expect(whole.rows.slice(60).map((row) => row.site)).toEqual([
      'edge3.com',
      'edge2.com',
      'edge1.com',
    ])
    expect(whole.notes).toHaveLength(1)
    for (const limit of [1, 2, 12, 37, 60, 61, 62]) {
      const cut = await search(engine, { domain: 'target.com', limit })
      expect(cut.rows).toEqual(whole.rows.slice(0, limit))
      expect(cut.notes.at(-1)).toBe(
        `The top ${limit} of 63 referring domains, by links, then linking pages, then rank. The limit left out the others.`,
      )
    }
  })

  test('without results describes the index and suggests how to find more', async () => {
    const engine = await engineOver(referring)
    const { rows, notes } = await search(engine, {
      domain: 'absent.com',
      scope: 'url',
      follow: 'only',
    })
    expect(rows).toEqual([])
    expect(notes.at(-1)).toMatch(
      /^No other site in this index has a followed link to absent\.com\. .*“Whole site”.* covers only 30 sites \(fixture, 30 pages\).*npm run index -- stats.*npm run index -- add/,
    )
  })

  test('ends at once on an abort, also between two rows', async () => {
    const engine = await engineOver(referring)
    const before = new AbortController()
    before.abort(new Error('cancelled'))
    await expect(search(engine, { domain: 'target.com' }, { stop: before })).rejects.toThrow(
      'cancelled',
    )

    const stop = new AbortController()
    const run = { rows: [] as Row[], notes: [], steps: [] }
    const running = search(
      engine,
      { domain: 'target.com' },
      { stop, run, onRow: () => stop.abort(new Error('cancelled later')) },
    )
    await expect(running).rejects.toThrow('cancelled later')
    expect(run.rows).toHaveLength(1)
    expect((await search(engine, { domain: 'target.com' })).rows).toHaveLength(30)
  })

  test('can be retried if its generation is gone', async () => {
    const dir = await builtIndex(referring)
    const engine = await engineOf(dir)
    const { id } = await readManifest(dir)
    const run = { rows: [] as Row[], notes: [], steps: [] }
    const onStep = () => rmSync(join(dir, `gen-${id}`), { recursive: true, force: true })
    await expect(search(engine, { domain: 'target.com' }, { run, onStep })).rejects.toThrow(
      PassingError,
    )
    expect(existsSync(join(dir, `gen-${id}`))).toBe(false)
    expect(run.rows).toEqual([])
  })

  test.each(['truncated', 'overwritten', 'emptied', 'missing', 'another table'] as const)(
    'notes a file that is damaged (%s) and continues with the rest',
    async (damage) => {
      const dir = await builtIndex(referring)
      const engine = await engineOf(dir)
      const whole = await search(engine, { domain: 'target.com' })
      const { id, tables } = await readManifest(dir)
      const broken = tables.links.shards[3]?.file ?? ''
      await breakFile(join(dir, broken), damage)
      const { rows, notes, steps } = await search(engine, { domain: 'target.com' })
      expect(rows.length).toBeLessThan(30)
      expect(whole.rows).toEqual(expect.arrayContaining(rows))
      expect(notes).toHaveLength(2)
      expect(notes[1]).toMatch(
        /^Could not read gen-[\w-]+\/links-03\.parquet \(.{5,130}\)\. Its contents are missing from these results\.$/,
      )
      expect(notes[1]).toContain(`gen-${id}/`)
      expect(notes[1]).not.toContain(dir)
      expect(steps.at(-1)?.done).toBe(5)
    },
  )

  test('fails if no file can be read', async () => {
    const dir = await builtIndex(referring, { shards: 3 })
    const engine = await engineOf(dir)
    const { tables } = await readManifest(dir)
    for (const { file } of tables.links.shards) await breakFile(join(dir, file), 'truncated')
    const run = { rows: [], notes: [] as string[], steps: [] }
    await expect(search(engine, { domain: 'target.com' }, { run })).rejects.toThrow(SearchFailed)
    expect(run.notes.filter((note) => note.startsWith('Could not read'))).toHaveLength(3)
  })

  test('continues with links if an edges file is broken, and with edges if a links file is broken', async () => {
    const edgeItems: SourceItem[] = Array.from({ length: 20 }, (_, n) => ({
      edge: {
        fromSite: `edge${n}.com`,
        toSite: 'target.com',
        linkingPages: null,
        targetPages: null,
      },
    }))
    const dir = await builtIndex([...referring, ...edgeItems], { shards: 2 })
    const engine = await engineOf(dir)
    const { tables } = await readManifest(dir)
    await breakFile(join(dir, tables.edges?.shards[0]?.file ?? ''), 'truncated')
    await breakFile(join(dir, tables.links.shards[1]?.file ?? ''), 'truncated')
    const { rows, notes } = await search(engine, { domain: 'target.com' })
    expect(notes.map((note) => /(edges|links)-\d\d/.exec(note)?.[0])).toEqual([
      undefined,
      'edges-00',
      'links-01',
    ])
    const kinds = new Set(rows.map((row) => (row.links === null ? 'edge' : 'link')))
    expect(kinds).toEqual(new Set(['link', 'edge']))
    expect(rows.length).toBeLessThan(50)
  })
})

describe('verifying', () => {
  const pages = Array.from({ length: 60 }, (_, n) =>
    pageAt(
      `https://site${n}.com/`,
      Array.from({ length: n + 1 }, () => 'https://target.com/a'),
    ),
  )
  const items: SourceItem[] = [
    ...pageItems(pages),
    { edge: { fromSite: 'edge.com', toSite: 'target.com', linkingPages: 1000, targetPages: null } },
  ]
  const input = { domain: 'target.com', verify: 50 }
  /** A web that reports a status for every link, the last one first, or loses its network. */
  function fakeWeb(
    network: 'works' | 'breaks off' | 'is out of reach',
  ): Web & { asked: { sourceUrl: string; isTarget(href: string): boolean }[] } {
    return {
      asked: [],
      // biome-ignore lint/correctness/useYield: nothing is crawled here
      async *crawl() {
        throw new Error('Unexpected crawl')
      },
      async *verifyLinks(links) {
        this.asked.push(...links)
        if (network === 'is out of reach') throw new NoNetwork()
        for (const [n, link] of [...links].reverse().entries()) {
          if (network === 'breaks off' && n === 20) throw new NoNetwork()
          const page = { httpStatus: 200, movedTo: null, anchor: null, problem: null }
          yield { link, status: n % 2 === 0 ? 'live' : 'lost', ...page }
        }
      },
    }
  }

  test('visits the top domains and keeps their order', async () => {
    const web = fakeWeb('works')
    const { rows, steps, notes, updates } = await search(await engineOver(items), input, { web })
    // In the order in which the fake web reports them.
    expect(updates?.map(([index]) => index)).toEqual(Array.from({ length: 50 }, (_, n) => 49 - n))
    expect(rows.map(({ site, links, status }) => [site, links, status])).toEqual([
      ...Array.from({ length: 50 }, (_, n) => [
        `site${59 - n}.com`,
        60 - n,
        n % 2 === 0 ? 'lost' : 'live',
      ]),
      ...Array.from({ length: 10 }, (_, n) => [`site${9 - n}.com`, 10 - n, null]),
      ['edge.com', null, null],
    ])
    expect(web.asked.map((link) => link.sourceUrl)).toEqual(
      Array.from({ length: 50 }, (_, n) => `https://site${59 - n}.com/`),
    )
    expect(steps.filter((step) => step.phase === 'Verifying links')).toEqual(
      Array.from({ length: 51 }, (_, done) => ({
        phase: 'Verifying links',
        done,
        total: 50,
        unit: 'sites',
      })),
    )
    expect(notes).toHaveLength(1)
  })

  test.each([
    ['is out of reach', 50],
    ['breaks off', 30],
  ] as const)('completes with a note when the network %s', async (network, left) => {
    const { rows, notes } = await search(await engineOver(items), input, { web: fakeWeb(network) })
    expect(new Set(rows.map((row) => row.site)).size).toBe(61)
    expect(rows.filter((row) => row.status === null)).toHaveLength(11 + left)
    expect(notes.at(-1)).toMatch(
      new RegExp(`^Stopped verifying; ${left} domains remain unverified\\. .*be reached`),
    )
  })

  test('reports the current links of real pages, by scope', async () => {
    const link = '<p>See <a href="https://www.target.com/a/">it</a>'
    const hosts = {
      'one.com': link,
      'two.com': link.replace('<a', '<a rel="ugc"'),
      'three.com': '<p>No more',
      'four.com': answer(404),
    }
    const sites = await localSites(
      Object.fromEntries(Object.entries(hosts).map(([host, page]) => [host, { '/': page }])),
    )
    const seen = Object.keys(hosts).map((host) =>
      pageAt(sites.url(host), ['https://target.com/a', 'https://target.com/b']),
    )
    const engine = await engineOver(pageItems(seen))
    const statuses = async (input: Record<string, unknown>) => {
      const { rows } = await search(engine, { verify: 50, ...input }, { web: webOf(sites) })
      return Object.fromEntries(rows.map(({ site, status }) => [site, status]))
    }
    const now = {
      'one.com': 'live',
      'two.com': 'live_nofollow',
      'three.com': 'lost',
      'four.com': 'gone',
    }
    expect(await statuses({ domain: 'target.com' })).toEqual(now)
    expect(await statuses({ domain: 'target.com/a', scope: 'url' })).toEqual(now)
    expect(await statuses({ domain: 'target.com/b', scope: 'url' })).toEqual({
      ...now,
      'one.com': 'lost',
      'two.com': 'lost',
    })
  })

  test('fails on errors other than a missing network', async () => {
    const web: Web = {
      ...fakeWeb('works'),
      // biome-ignore lint/correctness/useYield: it throws
      async *verifyLinks() {
        throw new Error('broken')
      },
    }
    await expect(search(await engineOver(items), input, { web })).rejects.toThrow('broken')
  })

  test.each([
    [
      'site',
      ['https://target.com/', 'http://docs.target.com/x', 'https://www.target.com/a#b'],
      ['https://target.org/', '/a', 'mailto:a@target.com'],
    ],
    ['host', ['https://target.com/b', 'http://www.target.com/a'], ['https://docs.target.com/a']],
    ['url', ['http://www.target.com/a/#b'], ['https://target.com/', 'https://target.com/a?b']],
  ])('recognises links to the target with scope %s', async (scope, leading, others) => {
    const web = fakeWeb('works')
    await search(await engineOver(items), { ...input, domain: 'target.com/a', scope }, { web })
    const isTarget = web.asked[0]?.isTarget ?? (() => undefined)
    expect(leading.map((href) => isTarget(href))).toEqual(leading.map(() => true))
    expect(others.map((href) => isTarget(href))).toEqual(others.map(() => false))
  })
})

describe('the input', () => {
  test('normalises the domain and has defaults for the rest', () => {
    const input = linkingDomains.input.parse({ domain: ' https://www.Redis.io/ ' })
    expect(input).toEqual({
      domain: 'redis.io',
      scope: 'site',
      follow: 'all',
      verify: 0,
      limit: 1000,
    })
    expect(linkingDomains.input.parse(input)).toEqual(input)
  })

  test.each([
    [{}, 'domain'],
    [{ domain: '  ' }, 'domain'],
    [{ domain: 'localhost' }, 'domain'],
    [{ domain: 'co.uk' }, 'domain'],
    [{ domain: 'a.com', scope: 'page' }, 'scope'],
    [{ domain: 'a.com', follow: 'none' }, 'follow'],
    [{ domain: 'a.com', verify: 10 }, 'verify'],
    [{ domain: 'a.com', verify: '50' }, 'verify'],
    [{ domain: 'a.com', limit: 0 }, 'limit'],
    [{ domain: 'a.com', limit: 10_001 }, 'limit'],
    [{ domain: 'a.com', limit: 1.5 }, 'limit'],
  ])('%j is refused at %s', (input, field) => {
    const issues = linkingDomains.input.safeParse(input).error?.issues
    expect(issues?.map((issue) => issue.path.join('.'))).toEqual([field])
  })
})

test('the starter index of this project has more than ten domains that link to github.com, none of them on it', async () => {
  const dir = temporaryFolder()
  await copyStarterIndex(dir)
  const engine = await engineOf(dir)
  const index = await engine.open()
  expect(index.generation.counts.pages).toBeGreaterThan(1000)
  expect(index.generation.counts.links).toBeGreaterThan(5000)
  await index.close()
  const { rows } = await search(engine, { domain: 'github.com' })
  expect(rows.length).toBeGreaterThan(10)
  expect(rows.filter((row) => String(row.site).startsWith('github.com'))).toEqual([])
})
