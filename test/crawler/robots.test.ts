import { Redis } from 'ioredis'
import { describe, expect, onTestFinished, test } from 'vitest'
import { redisUrl, uniquePrefix } from '#test/services.ts'
import {
  answer,
  crawlAll,
  links,
  localSites,
  now,
  redirect,
  robots,
  type Served,
  webOf,
} from './local-sites.ts'

const host = 'a.example.com'
const paths = (sites: { requests: { path: string }[] }) => sites.requests.map(({ path }) => path)

/** Crawls a site with this robots.txt. @returns the paths that were requested, and all rows. */
async function crawlUnder(file: Served, pages = ['/a', '/b/c', '/b/d']) {
  const served = Object.fromEntries(pages.map((path) => [path, 'a page']))
  const sites = await localSites({
    [host]: { '/': links(...pages), '/robots.txt': file, ...served },
  })
  const { pages: rows } = await crawlAll(webOf(sites), { startUrl: sites.url(host) })
  return { requested: paths(sites).filter((path) => pages.includes(path)), rows }
}

describe('robots.txt', () => {
  test.each<[string, string[], string[]]>([
    ['a rule for all crawlers', ['User-agent: *', 'Disallow: /b/'], ['/a']],
    [
      'a longer rule that overrides a shorter one',
      ['User-agent: *', 'Disallow: /b/', 'Allow: /b/d'],
      ['/a', '/b/d'],
    ],
    ['wildcards and end anchors', ['User-agent: *', 'Disallow: /*d$', 'Disallow: /a$'], ['/b/c']],
    [
      'our own group rather than the one for all',
      ['User-agent: *', 'Disallow: /', 'User-agent: searchlight', 'Disallow: /a'],
      ['/b/c', '/b/d'],
    ],
    [
      'a group with several names',
      [
        'User-agent: other',
        'User-agent: Searchlight',
        'Disallow: /b/',
        '',
        'User-agent: *',
        'Disallow: /',
      ],
      ['/a'],
    ],
    ['rules for other crawlers', ['User-agent: other', 'Disallow: /'], ['/a', '/b/c', '/b/d']],
    [
      'comments and a byte order mark',
      ['\uFEFFUser-agent: * # all', '# Disallow: /a', 'disallow: /b/c # this'],
      ['/a', '/b/d'],
    ],
    ['an empty file', [], ['/a', '/b/c', '/b/d']],
  ])('is respected: %s', async (_what, lines, expected) => {
    expect((await crawlUnder(robots(...lines))).requested).toEqual(expected)
  })

  test('is named as the problem of a disallowed page', async () => {
    const { rows } = await crawlUnder(robots('User-agent: *', 'Disallow: /a'))
    expect(rows.find(({ url }) => url.endsWith('/a'))).toMatchObject({
      ...{ status: null, problem: 'its robots.txt does not allow it', document: null },
    })
  })

  test.each([404, 401, 403, 410])('that answers %i allows everything', async (status) => {
    expect((await crawlUnder(answer(status))).requested).toHaveLength(3)
  })

  test.each([500, 502, 503, 429])('that answers %i forbids everything', async (status) => {
    const sites = await localSites({ [host]: { '/': 'page', '/robots.txt': answer(status) } })
    await expect(crawlAll(webOf(sites), { startUrl: sites.url(host) })).rejects.toThrow(
      `its robots.txt can’t be read (HTTP ${status}), so no page may be fetched.`,
    )
    expect(new Set(paths(sites))).toEqual(new Set(['/robots.txt']))
  })

  test('that never answers forbids everything', async () => {
    const sites = await localSites({ [host]: { '/': 'page', '/robots.txt': () => {} } })
    await expect(
      crawlAll(webOf(sites, { limits: { totalMs: 100 } }), { startUrl: sites.url(host) }),
    ).rejects.toThrow('no complete answer')
    expect(paths(sites)).toEqual(['/robots.txt'])
  })

  test('may be behind five redirects; behind six it counts as missing', async () => {
    const steps = (from: number): Record<string, Served> => ({
      '/robots.txt': redirect(`/r${from}`),
      '/r1': robots('User-agent: *', 'Disallow: /a'),
      ...Object.fromEntries([2, 3, 4, 5, 6].map((n) => [`/r${n}`, redirect(`/r${n - 1}`)])),
    })
    for (const [redirects, status] of [
      [5, null],
      [6, 200],
    ] as const) {
      const sites = await localSites({
        [host]: { '/': links('/a'), '/a': 'page', ...steps(redirects) },
      })
      const { pages } = await crawlAll(webOf(sites), { startUrl: sites.url(host) })
      expect(pages[1]?.status).toBe(status)
    }
  })

  test('is read up to 512 KiB', async () => {
    const rules = (filler: number) =>
      `User-agent: *\n#${'x'.repeat(filler)}\nDisallow: /a\nDisallow: /b/\n`
    expect((await crawlUnder(answer(200, {}, rules(500 * 1024)))).requested).toEqual([])
    expect((await crawlUnder(answer(200, {}, rules(512 * 1024)))).requested).toHaveLength(3)
  })

  test('is requested again after a day', async () => {
    const sites = await localSites({ [host]: { '/': 'page' } })
    let time = now().getTime()
    const web = webOf(sites, { now: () => new Date(time) })
    const crawlOnce = () => crawlAll(web, { startUrl: sites.url(host), maxPages: 1 })
    await crawlOnce()
    time += 24 * 60 * 60_000 - 1
    await crawlOnce()
    expect(paths(sites)).toEqual(['/robots.txt', '/', '/'])
    time += 1
    await crawlOnce()
    expect(paths(sites).filter((path) => path === '/robots.txt')).toHaveLength(2)
  })

  test('is requested from each server, including the targets of redirects', async () => {
    const sites = await localSites({
      [host]: { '/': links('/out') },
      'b.example.com': {
        '/robots.txt': robots('User-agent: *', 'Disallow: /secret'),
        '/secret': 'page',
        '/open': 'page',
      },
    })
    const port = sites.port
    const at = (path: string) => `http://b.example.com:${port}${path}`
    const sites2 = await localSites({
      [host]: {
        '/': links('/1', '/2'),
        '/1': redirect(at('/secret')),
        '/2': redirect(at('/open')),
      },
    })
    const web = webOf(sites2, { lookup: sites.lookup })
    const { pages } = await crawlAll(web, { startUrl: sites2.url(host) })
    expect(
      pages.map(({ url, status, problem }) => [new URL(url).pathname, status, problem]),
    ).toEqual([
      ['/', 200, null],
      ['/1', null, 'its robots.txt does not allow it'],
      ['/open', 200, null],
    ])
    expect(paths(sites)).toEqual(['/robots.txt', '/open'])
  })

  test('with malicious patterns does not block the event loop', async () => {
    const path = `/${'a'.repeat(1500)}`
    const rules = `User-agent: *\n${`Disallow: /${'*a'.repeat(1000)}b\n`.repeat(250)}`
    const sites = await localSites({
      [host]: { '/': links(path), [path]: 'page', '/robots.txt': answer(200, {}, rules) },
    })
    // Checking this address would take hours.
    const { pages } = await crawlAll(webOf(sites), { startUrl: sites.url(host) })
    expect(pages[1]?.problem).toBe('its robots.txt has too many rules to check this address')
  })

  test('may set a crawl-delay of up to thirty seconds', async () => {
    const sites = await localSites({
      [host]: { '/': 'page', '/robots.txt': robots('User-agent: *', 'Crawl-delay: 20') },
      'b.example.com': { '/': 'page', '/robots.txt': robots('User-agent: *', 'Crawl-delay: 3600') },
    })
    const namespace = uniquePrefix()
    const web = webOf(sites, { namespace })
    const redis = new Redis(redisUrl())
    onTestFinished(() => redis.disconnect())
    for (const [each, pauseMs] of [
      [host, 20_000],
      ['b.example.com', 30_000],
    ] as const) {
      await crawlAll(web, { startUrl: sites.url(each), maxPages: 1 })
      const left = await redis.pttl(`${namespace}:host-turn:${each}:${sites.port}`)
      const endsAt = performance.now() + left
      expect(endsAt - (sites.requests.at(-1)?.from ?? 0)).toBeGreaterThanOrEqual(pauseMs)
      expect(left).toBeLessThanOrEqual(pauseMs)
    }
  })
})

describe('a page', () => {
  const page = (head: string) => `<head>${head}<title>T</title></head>${links('/next')}`
  test.each<[string, Served]>([
    ['its head', page('<meta name="robots" content="noindex">')],
    ['its head, as none', page('<meta name="ROBOTS" content="None">')],
    ['a header', answer(200, { 'content-type': 'text/html', 'x-robots-tag': 'noindex' }, page(''))],
  ])('with noindex in %s is not indexed', async (_where, served) => {
    const sites = await localSites({ [host]: { '/': links('/p'), '/p': served, '/next': 'next' } })
    const { pages } = await crawlAll(webOf(sites), { startUrl: sites.url(host) })
    expect(pages[1]).toMatchObject({
      status: 200,
      title: 'T',
      links: 1,
      problem: 'asks not to be indexed (noindex)',
      document: null,
    })
  })

  test.each<[string, Served]>([
    ['its head', page('<meta name="robots" content="nofollow">')],
    [
      'a header',
      answer(200, { 'content-type': 'text/html', 'x-robots-tag': 'nofollow' }, page('')),
    ],
  ])('with nofollow in %s is indexed and its links are marked', async (_where, served) => {
    const sites = await localSites({ [host]: { '/': served, '/next': 'next' } })
    const { pages } = await crawlAll(webOf(sites), { startUrl: sites.url(host) })
    expect(pages).toHaveLength(1)
    expect(pages[0]?.document?.links).toMatchObject([
      { href: sites.url(host, '/next'), nofollow: true },
    ])
  })

  test('with noindex for another crawler is indexed', async () => {
    const header = { 'content-type': 'text/html', 'x-robots-tag': 'otherbot: noindex' }
    const sites = await localSites({ [host]: { '/': answer(200, header, 'page') } })
    expect(
      (await crawlAll(webOf(sites), { startUrl: sites.url(host) })).pages[0]?.problem,
    ).toBeNull()
  })
})
