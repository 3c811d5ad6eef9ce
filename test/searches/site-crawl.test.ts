import { readdirSync } from 'node:fs'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Row } from '#jobs/define-search.ts'
import { SearchFailed } from '#jobs/errors.ts'
import type { Progress } from '#jobs/job.ts'
import { linkingDomains } from '#searches/linking-domains.ts'
import { createSiteCrawl, siteCrawl } from '#searches/site-crawl.ts'
import {
  answer,
  type LocalSites,
  links,
  localSites,
  now,
  redirect,
  robots,
  type Served,
  webOf,
} from '#test/crawler/local-sites.ts'
import { temporaryFolder } from '#test/webindex/index-fixture.ts'
import { createBuilds } from '#webindex/build/build-index.ts'
import { takeBuildLock } from '#webindex/build/build-lock.ts'
import { NoIndex } from '#webindex/errors.ts'
import { createIndexEngine } from '#webindex/query/engine.ts'
import { drive } from './drive.ts'
import { toolsOver, toolsWith } from './tools-fixture.ts'

interface Installation {
  dir: string
  search?: typeof siteCrawl
  stop?: AbortController
}

/** Runs the search as a worker does: real HTTP on loopback and a real index. */
async function run(
  sites: LocalSites,
  input: Record<string, unknown>,
  { dir, search = siteCrawl, stop = new AbortController() }: Installation,
) {
  const rows: Row[] = []
  const notes: string[] = []
  const steps: Progress[] = []
  const context = {
    ...toolsWith({ web: webOf(sites), builds: createBuilds({ dir, shards: 2, now }) }),
    signal: stop.signal,
    progress: (step: Progress) => steps.push(step),
    note: (text: string) => notes.push(text),
    update() {},
  }
  for await (const row of drive(search.run(search.input.parse(input), context))) rows.push(row)
  return { rows, notes, steps }
}

async function openEngine(dir: string) {
  const engine = await createIndexEngine({ dir })
  onTestFinished(() => engine.close())
  return engine
}

async function linkingDomainsIn(dir: string, domain: string): Promise<Row[]> {
  const engine = await openEngine(dir)
  const index = await engine.open()
  const rows: Row[] = []
  const context = {
    ...toolsOver(index),
    signal: new AbortController().signal,
    progress() {},
    note() {},
    update() {},
  }
  const found = linkingDomains.run(linkingDomains.input.parse({ domain }), context)
  for await (const row of drive(found)) rows.push(row)
  index.close()
  return rows
}

/** Points TMPDIR, where the search spools documents, at a fresh folder. @returns the folder */
function ownTemporaryFolder(): string {
  const before = process.env.TMPDIR
  const folder = temporaryFolder()
  process.env.TMPDIR = folder
  onTestFinished(() => {
    if (before === undefined) delete process.env.TMPDIR
    else process.env.TMPDIR = before
  })
  return folder
}

const host = 'docs.example.com'
const site = (): Record<string, Served> => ({
  '/robots.txt': robots('User-agent: *', 'Disallow: /closed'),
  '/': `<title>Home</title><p>Three plain words</p>${links('/a', '/old', '/closed', '/file', '/gone', 'https://target.example.net/x')}`,
  '/a': '<title>Page A</title><p>See <a href="https://target.example.net/x">the target</a> and <a rel="nofollow" href="https://target.example.net/y">more</a>',
  '/old': redirect('/new'),
  '/new': '<title>New\u2028line</title><p>new',
  '/file': answer(200, { 'content-type': 'application/pdf' }),
})

test('the crawl yields a correct row per page and adds the links to the index', async () => {
  const tmp = ownTemporaryFolder()
  const sites = await localSites({ [host]: site() })
  const dir = temporaryFolder()
  const { rows, notes, steps } = await run(sites, { startUrl: sites.url(host) }, { dir })
  const at = (path: string) => sites.url(host, path)
  const wordsOf = (text: string) => text.match(/[\p{L}\p{N}]+/gu)?.length
  const linkTexts = ['/a', '/old', '/closed', '/file', '/gone', 'https://target.example.net/x']
    .map((href) => `to ${href}`)
    .join(' ')
  const nothing = { title: '', words: 0, links: 0, depth: 1 }
  expect(rows).toEqual([
    {
      url: at('/'),
      status: 200,
      problem: null,
      title: 'Home',
      words: wordsOf(`Three plain words ${linkTexts}`),
      links: 6,
      depth: 0,
    },
    {
      url: at('/a'),
      status: 200,
      problem: null,
      title: 'Page A',
      words: wordsOf('See the target and more'),
      links: 2,
      depth: 1,
    },
    {
      url: at('/new'),
      status: 200,
      problem: null,
      title: 'New line',
      words: 1,
      links: 0,
      depth: 1,
    },
    { ...nothing, url: at('/closed'), status: null, problem: 'its robots.txt does not allow it' },
    { ...nothing, url: at('/file'), status: 200, problem: 'not HTML (application/pdf)' },
    { ...nothing, url: at('/gone'), status: 404, problem: 'HTTP 404' },
  ])
  expect(notes).toEqual([
    expect.stringMatching(/^Added 3 pages to the index as crawl:example\.com \(generation .+\)\.$/),
  ])
  const phases = [...new Set(steps.map(({ phase }) => phase))]
  expect(phases.slice(0, 2)).toEqual(['Crawling', 'Adding to the index: Reading crawl:example.com'])
  expect(steps.filter(({ phase }) => phase === 'Crawling').at(-1)).toEqual({
    phase: 'Crawling',
    done: 6,
    total: 6,
    unit: 'pages',
  })

  expect(await linkingDomainsIn(dir, 'target.example.net')).toMatchObject([
    {
      site: 'example.com',
      links: 3,
      linking_pages: 2,
      target_pages: 2,
      follow_links: 2,
      first_seen: now().toISOString(),
    },
  ])
  expect(readdirSync(tmp).filter((name) => name.startsWith('searchlight-crawl-'))).toEqual([])
})

test('a repeated crawl replaces its earlier pages and keeps those of other crawls', async () => {
  const pages: Record<string, Served> = { '/': links('https://one-target.net/') }
  const sites = await localSites({
    [host]: pages,
    'other.example.org': { '/': links('https://one-target.net/') },
  })
  const dir = temporaryFolder()
  await run(sites, { startUrl: sites.url(host) }, { dir })
  await run(sites, { startUrl: sites.url('other.example.org') }, { dir })
  expect((await linkingDomainsIn(dir, 'one-target.net')).map(({ site }) => site).sort()).toEqual([
    'example.com',
    'example.org',
  ])
  pages['/'] = links('https://two-target.net/')
  await run(sites, { startUrl: sites.url(host) }, { dir })
  expect((await linkingDomainsIn(dir, 'one-target.net')).map(({ site }) => site)).toEqual([
    'example.org',
  ])
  expect((await linkingDomainsIn(dir, 'two-target.net')).map(({ site }) => site)).toEqual([
    'example.com',
  ])
})

test.each([
  ['site', 'crawl:example.com'],
  ['host', 'crawl:docs.example.com/'],
  ['folder', 'crawl:docs.example.com:PORT/guide/'],
])('scope %s names the source %s', async (scope, name) => {
  const sites = await localSites({ [host]: { '/guide': 'page' } })
  const { notes } = await run(
    sites,
    { startUrl: sites.url(host, '/guide'), scope },
    { dir: temporaryFolder() },
  )
  expect(notes[0]).toContain(` as ${name.replace('PORT', String(sites.port))} `)
})

test('an unavailable start page fails the search with the reason', async () => {
  const sites = await localSites({
    [host]: { '/robots.txt': robots('User-agent: *', 'Disallow: /') },
  })
  const failing = run(sites, { startUrl: sites.url(host) }, { dir: temporaryFolder() })
  await expect(failing).rejects.toThrow(SearchFailed)
  await expect(failing).rejects.toThrow(
    `The crawl can’t start at ${sites.url(host)}: its robots.txt does not allow it.`,
  )
})

test('a crawl without indexable pages completes with a note and adds nothing', async () => {
  const sites = await localSites({ [host]: { '/': '<meta name="robots" content="noindex">x' } })
  const dir = temporaryFolder()
  const { rows, notes } = await run(sites, { startUrl: sites.url(host) }, { dir })
  expect(rows).toHaveLength(1)
  expect(notes).toEqual(['No page could be read, so nothing was added to the index.'])
  await expect((await openEngine(dir)).open()).rejects.toThrow(NoIndex)
})

describe('while another build is running', () => {
  test('the crawl waits and then adds its pages', async () => {
    const sites = await localSites({ [host]: { '/': 'home' } })
    const dir = temporaryFolder()
    const releaseLock = await takeBuildLock(dir)
    const search = createSiteCrawl({ crawlMs: 60_000, retryMs: 20, maxWaitMs: 20_000 })
    const stop = new AbortController()
    const running = run(sites, { startUrl: sites.url(host) }, { dir, search, stop })
    await expect.poll(() => sites.requests.length).toBe(3)
    await releaseLock()
    expect((await running).notes.at(-1)).toMatch(/^Added 1 page to the index/)
  })

  test('the crawl gives up after its longest wait and notes that nothing was added', async () => {
    const sites = await localSites({ [host]: { '/': 'home' } })
    const dir = temporaryFolder()
    const releaseLock = await takeBuildLock(dir)
    const search = createSiteCrawl({ crawlMs: 60_000, retryMs: 5, maxWaitMs: 20 })
    expect((await run(sites, { startUrl: sites.url(host) }, { dir, search })).notes).toEqual([
      'Another index build is running. The pages will be added when it has ended.',
      'The pages were not added: other index builds kept running. Crawl again to add them.',
    ])
    await releaseLock()
  })
})

test('a crawl that exceeds its time limit notes so and adds the pages it has', async () => {
  const sites = await localSites({ [host]: { '/': links('/slow'), '/slow': () => {} } })
  const search = createSiteCrawl({ crawlMs: 1_000, retryMs: 5, maxWaitMs: 20 })
  const { rows, notes } = await run(
    sites,
    { startUrl: sites.url(host) },
    { dir: temporaryFolder(), search },
  )
  expect(rows).toHaveLength(1)
  expect(notes).toEqual([
    expect.stringMatching(/^The crawl stopped early/),
    expect.stringMatching(/^Added 1 page to the index/),
  ])
})

test('a cancelled crawl adds nothing and deletes its temporary files', async () => {
  const tmp = ownTemporaryFolder()
  const stop = new AbortController()
  const dir = temporaryFolder()
  const sites = await localSites({
    [host]: { '/': links('/slow'), '/slow': () => stop.abort(new Error('cancelled')) },
  })
  await expect(run(sites, { startUrl: sites.url(host) }, { dir, stop })).rejects.toThrow(
    'cancelled',
  )
  expect(readdirSync(tmp).filter((name) => name.startsWith('searchlight-crawl-'))).toEqual([])
  await expect((await openEngine(dir)).open()).rejects.toThrow(NoIndex)
})

describe('the start URL', () => {
  test.each([
    ['redis.io', 'https://redis.io/'],
    [' https://www.Redis.io/docs/?a=1#top ', 'https://www.redis.io/docs/?a=1'],
    ['http://redis.io:8080/x', 'http://redis.io:8080/x'],
    ['bücher.de', 'https://xn--bcher-kva.de/'],
    ['//redis.io/docs', 'https://redis.io/docs'],
  ])('%s is normalised to %s, and parsing that changes nothing', (written, url) => {
    const input = siteCrawl.input.parse({ startUrl: written })
    expect(input).toEqual({ startUrl: url, maxPages: 100, scope: 'site' })
    expect(siteCrawl.input.parse(input)).toEqual(input)
  })

  test.each([
    ['', /Enter a domain/],
    ['192.168.0.1', /IP address/],
    ['http://[::1]/', /IP address/],
    ['localhost:3000', /your own computer/],
    ['co.uk', /many owners share/],
    ['intranet', /Add its ending/],
    ['ftp://redis.io', /Only http and https/],
    ['me@redis.io', /e-mail/],
    ['redis.io:22', /port 22 is not used for web pages/],
    ['two words', /is not a domain/],
  ])('“%s” is refused with the reason', (startUrl, reason) => {
    const issues = siteCrawl.input.safeParse({ startUrl }).error?.issues
    expect(issues?.map(({ message }) => message)).toEqual([expect.stringMatching(reason)])
  })

  test.each([0, 10_001, 1.5])('%d pages are refused', (maxPages) => {
    expect(siteCrawl.input.safeParse({ startUrl: 'redis.io', maxPages }).success).toBe(false)
  })
})
