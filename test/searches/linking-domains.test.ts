import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Row } from '#jobs/define-search.ts'
import { PassingError } from '#jobs/errors.ts'
import type { Progress } from '#jobs/job.ts'
import { linkingDomains } from '#searches/linking-domains.ts'
import { documents, linkTo, pageAt, pagesOf, temporaryFolder, writeTree } from '#test/webindex/index-fixture.ts'
import { buildIndex } from '#webindex/build-index.ts'
import type { WebDocument } from '#webindex/document.ts'
import { createIndexEngine, type IndexEngine } from '#webindex/engine.ts'
import { starterSource } from '#webindex/starter-documents.ts'
import { toolsOver } from './tools-fixture.ts'

const { signal } = new AbortController()
const now = () => new Date('2026-05-06T07:08:09.010Z')

async function engineOver(pages: AsyncIterable<WebDocument>, shards = 5): Promise<IndexEngine> {
  const dir = temporaryFolder()
  await buildIndex(pages, { dir, shards, signal, now })
  const engine = await createIndexEngine({ dir })
  onTestFinished(() => engine.close())
  return engine
}

async function search(engine: IndexEngine, input: Record<string, unknown>, stop = new AbortController()) {
  const rows: Row[] = []
  const notes: string[] = []
  const steps: Progress[] = []
  const index = await engine.open()
  try {
    const context = {
      ...toolsOver(index),
      signal: stop.signal,
      progress: (step: Progress) => steps.push(step),
      note: (text: string) => notes.push(text),
    }
    for await (const row of linkingDomains.run(linkingDomains.input.parse(input), context)) rows.push(row)
  } finally {
    index.close()
  }
  return { rows, notes, steps }
}

/** Links between places whose site, host and page are written down by hand, spelt in the ways that pages spell them. */
const sources = [
  { site: 'a.com', urls: ['https://a.com/1', 'http://www.a.com/2', 'https://blog.a.com/3'] },
  { site: 'b.co.uk', urls: ['https://b.co.uk/', 'https://x.y.b.co.uk/'] },
  { site: 'c.github.io', urls: ['https://c.github.io/'] },
  { site: 'github.com/ann', urls: ['https://github.com/ann/x', 'https://github.com/Ann/y', 'https://gist.github.com/ann/z'] },
  { site: 'github.com/bob', urls: ['https://github.com/bob'] },
  { site: 'github.com', urls: ['https://docs.github.com/en'] },
  { site: 'redis.io', urls: ['https://redis.io/', 'https://docs.redis.io/a'] },
]
const targets = [
  { site: 'redis.io', host: 'redis.io', page: 'redis.io', spellings: ['https://redis.io', 'http://www.redis.io/#top'] },
  { site: 'redis.io', host: 'redis.io', page: 'redis.io/a', spellings: ['https://redis.io/a/', 'http://redis.io/a#b'] },
  { site: 'redis.io', host: 'docs.redis.io', page: 'docs.redis.io/a', spellings: ['https://docs.redis.io/a'] },
  {
    site: 'github.com/ann',
    host: 'github.com',
    page: 'github.com/ann/x',
    spellings: ['https://github.com/ann/x', 'http://github.com/ann/x/'],
  },
  { site: 'github.com/bob', host: 'github.com', page: 'github.com/bob', spellings: ['https://www.github.com/bob'] },
  { site: 'github.com', host: 'github.com', page: 'github.com/features', spellings: ['https://github.com/features'] },
  { site: 'github.com', host: 'docs.github.com', page: 'docs.github.com/en', spellings: ['https://docs.github.com/en'] },
  { site: 'github.community', host: 'github.community', page: 'github.community', spellings: ['https://github.community/'] },
]
const anchors = ['', 'Redis', 'redis', 'Zebra', 'ägypten', '😀 smile', 'docs']

/** The same numbers on each run: a linear congruential generator (Numerical Recipes). */
function dice(seed: number) {
  let state = seed
  return <Item>(items: readonly Item[]): Item => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return items[Math.floor((state / 2 ** 32) * items.length)] as Item
  }
}

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
const dateOf = (url: string) => new Date(Date.UTC(2026, 0, 1 + (url.length % 9), 1, 2, 3, url.length))

async function* factPages() {
  for (const url of sources.flatMap((source) => source.urls)) {
    const links = facts
      .filter((fact) => fact.from === url)
      .map(({ href, anchor, nofollow, kind }) => linkTo(href, { anchor, nofollow, kind }))
    yield pageAt(url, links, { seenAt: dateOf(url) })
  }
}

const bytewise = (a: string, b: string) => Buffer.compare(Buffer.from(a), Buffer.from(b))
const within = (site: string, whole: string) => site === whole || site.startsWith(`${whole}/`)

/** The answer by a plain count over the facts, with nothing of the index in it. */
function countByHand({ site, scope, place, follow }: { site: string; scope: string; place: string; follow: string }) {
  const hits = facts.filter(
    (fact) =>
      within(fact.site, site) &&
      !within(fact.fromSite, site) &&
      (scope !== 'host' || fact.host === place) &&
      (scope !== 'url' || fact.page === place) &&
      (follow === 'all' || !fact.nofollow) &&
      fact.kind !== 'metadata',
  )
  return [...new Set(hits.map((hit) => hit.fromSite))].map((referring) => {
    const own = hits.filter((hit) => hit.fromSite === referring)
    const uses = new Map<string, number>()
    for (const { anchor } of own) if (anchor) uses.set(anchor, (uses.get(anchor) ?? 0) + 1)
    const [top] = [...uses].sort(([a, n], [b, m]) => m - n || bytewise(a, b))
    const dates = own.map((hit) => dateOf(hit.from).toISOString()).sort()
    return {
      site: referring,
      links: own.length,
      linking_pages: new Set(own.map((hit) => hit.from)).size,
      target_pages: new Set(own.map((hit) => hit.page)).size,
      follow_links: own.filter((hit) => !hit.nofollow).length,
      top_anchor: top?.[0] ?? null,
      anchors: uses.size,
      first_seen: dates[0],
      last_seen: dates.at(-1),
      sample_url: own.map((hit) => hit.from).sort(bytewise)[0],
    }
  })
}

const bySite = (a: { site?: unknown }, b: { site?: unknown }) => (String(a.site) < String(b.site) ? -1 : 1)

describe('every number equals a plain count over the raw links', () => {
  const asked = [
    { domain: 'https://www.redis.io/a', site: 'redis.io', host: 'redis.io', page: 'redis.io/a' },
    { domain: 'docs.redis.io/a', site: 'redis.io', host: 'docs.redis.io', page: 'docs.redis.io/a' },
    { domain: 'github.com/Ann/x', site: 'github.com/ann', host: 'github.com', page: 'github.com/Ann/x' },
    { domain: 'github.com/ann/x', site: 'github.com/ann', host: 'github.com', page: 'github.com/ann/x' },
    { domain: 'github.com', site: 'github.com', host: 'github.com', page: 'github.com' },
    { domain: 'github.community', site: 'github.community', host: 'github.community', page: 'github.community' },
  ]
  const cases = asked.flatMap((one) =>
    (['site', 'host', 'url'] as const).flatMap((scope) =>
      (['all', 'only'] as const).map((follow) => ({ ...one, scope, follow })),
    ),
  )
  test('over all targets, scopes and kinds of link', async () => {
    const engine = await engineOver(factPages())
    let sites = 0
    for (const { domain, site, host, page, scope, follow } of cases) {
      const { rows } = await search(engine, { domain, scope, follow })
      const byHand = countByHand({ site, scope, place: scope === 'host' ? host : page, follow })
      expect(rows.sort(bySite), `${domain} ${scope} ${follow}`).toEqual(byHand.sort(bySite))
      sites += rows.length
    }
    expect(sites).toBeGreaterThan(60)
  })
})

test('documents written to disk are found by what they say', async () => {
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
  const engine = await engineOver(documents(await pagesOf(starterSource({ nodeModules, seenAt: now() }))), 16)
  const seen = { first_seen: seenAt.toISOString(), last_seen: seenAt.toISOString() }
  const { rows } = await search(engine, { domain: 'github.com/target' })
  // guide.html stands below github.com/target itself, so it is no referring page.
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
      sample_url: 'https://a.dev/',
    },
  ])
})

describe('a run', () => {
  const referring = Array.from({ length: 30 }, (_, n) => pageAt(`https://site${n}.com/`, ['https://target.com/']))

  test('says which index it read and how many shards it has finished', async () => {
    const engine = await engineOver(documents(referring))
    const { notes, steps, rows } = await search(engine, { domain: 'target.com' })
    expect(rows).toHaveLength(30)
    expect(notes).toEqual([
      expect.stringMatching(
        /^Reads the index of 2026-05-06 07:08 UTC \(generation 20260506-.*\): 30 pages, 30 links, [\d.]+ MB\.$/,
      ),
    ])
    expect(steps).toEqual([0, 1, 2, 3, 4, 5].map((done) => ({ phase: 'Reading links', done, total: 5, unit: 'shards' })))
  })

  test('stops at its limit and says so only if something was left out', async () => {
    const engine = await engineOver(documents(referring))
    const cut = await search(engine, { domain: 'target.com', limit: 12 })
    expect(cut.rows).toHaveLength(12)
    expect(cut.notes.at(-1)).toMatch(/^Stopped at the limit of 12 sites: there are more\./)
    const exact = await search(engine, { domain: 'target.com', limit: 30 })
    expect(exact.rows).toHaveLength(30)
    expect(exact.notes).toHaveLength(1)
  })

  test('that finds nothing says what the index holds and which commands help', async () => {
    const engine = await engineOver(documents(referring))
    const { rows, notes } = await search(engine, { domain: 'absent.com', scope: 'url', follow: 'only' })
    expect(rows).toEqual([])
    expect(notes.at(-1)).toMatch(
      /^No other site in this index has a follow link to absent\.com\. .*choosing “site”.* pages of 30 sites only \(fixture, 30 pages\).*npm run index -- stats.*npm run index -- starter/,
    )
  })

  test('ends at once when it is aborted, also between two rows', async () => {
    const engine = await engineOver(documents(referring))
    const before = new AbortController()
    before.abort(new Error('cancelled'))
    await expect(search(engine, { domain: 'target.com' }, before)).rejects.toThrow('cancelled')

    const index = await engine.open()
    onTestFinished(() => index.close())
    const stop = new AbortController()
    const context = { ...toolsOver(index), signal: stop.signal, progress() {}, note() {} }
    const rows = linkingDomains.run(linkingDomains.input.parse({ domain: 'target.com' }), context)[Symbol.asyncIterator]()
    await rows.next()
    stop.abort(new Error('cancelled later'))
    await expect(async () => {
      for (let next = await rows.next(); !next.done; next = await rows.next());
    }).rejects.toThrow('cancelled later')
    expect((await search(engine, { domain: 'target.com' })).rows).toHaveLength(30)
  })

  test('whose generation is gone may be tried again', async () => {
    const dir = temporaryFolder()
    const build = () => buildIndex(documents(referring), { dir, signal, now })
    await build()
    const engine = await createIndexEngine({ dir })
    onTestFinished(() => engine.close())
    const index = await engine.open()
    onTestFinished(() => index.close())
    await build()
    await build()
    const context = { ...toolsOver(index), signal, progress() {}, note() {} }
    const rows = linkingDomains.run(linkingDomains.input.parse({ domain: 'target.com' }), context)
    await expect(async () => {
      for await (const _ of rows);
    }).rejects.toThrow(PassingError)
  })
})

describe('the input', () => {
  test('has defaults for all but the domain, which comes out in one form', () => {
    const input = linkingDomains.input.parse({ domain: ' https://www.Redis.io/ ' })
    expect(input).toEqual({ domain: 'redis.io', scope: 'site', follow: 'all', limit: 1000 })
    expect(linkingDomains.input.parse(input)).toEqual(input)
  })

  test.each([
    [{}, 'domain'],
    [{ domain: '  ' }, 'domain'],
    [{ domain: 'localhost' }, 'domain'],
    [{ domain: 'co.uk' }, 'domain'],
    [{ domain: 'a.com', scope: 'page' }, 'scope'],
    [{ domain: 'a.com', follow: 'none' }, 'follow'],
    [{ domain: 'a.com', limit: 0 }, 'limit'],
    [{ domain: 'a.com', limit: 10_001 }, 'limit'],
    [{ domain: 'a.com', limit: 1.5 }, 'limit'],
  ])('%j is refused at %s', (input, field) => {
    const issues = linkingDomains.input.safeParse(input).error?.issues
    expect(issues?.map((issue) => issue.path.join('.'))).toEqual([field])
  })
})

test('the starter index of this project knows more than ten sites that link to github.com, none of them on it', async () => {
  const nodeModules = join(import.meta.dirname, '../../node_modules')
  const engine = await engineOver(documents(await pagesOf(starterSource({ nodeModules, seenAt: now() }))), 16)
  const index = await engine.open()
  onTestFinished(() => index.close())
  expect(index.generation.counts.pages).toBeGreaterThan(1000)
  expect(index.generation.counts.links).toBeGreaterThan(5000)
  const { rows } = await search(engine, { domain: 'github.com' })
  expect(rows.length).toBeGreaterThan(10)
  expect(rows.filter((row) => String(row.site).startsWith('github.com'))).toEqual([])
})
