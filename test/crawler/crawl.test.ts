import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { uniquePrefix } from '#test/services.ts'
import {
  answer,
  crawlAll,
  links,
  localSites,
  longestBlock,
  redirect,
  robots,
  type Served,
  userAgent,
  webOf,
} from './local-sites.ts'

const host = 'docs.example.com'

describe('a crawled page', () => {
  test('has the title, words and links of the page, recounted here', async () => {
    const text = ['Redis keeps data', 'in memory, and on disk too.']
    const hrefs = ['/a', 'https://other.example.net/x', '/a', 'b?x=1#top']
    const page = `<title>All of it</title><p>${text[0]}<p>${text[1]}<script>var hidden = 1</script>${hrefs
      .map((href, i) => `<a href="${href}"${i === 1 ? ' rel="nofollow"' : ''}>link ${i}</a> `)
      .join('')}<a href="mailto:x@example.com">mail</a>`
    const sites = await localSites({ [host]: { '/': page } })
    const { pages } = await crawlAll(webOf(sites), { startUrl: sites.url(host), maxPages: 1 })
    const words = [...text, ...hrefs.map((_, i) => `link ${i}`), 'mail']
      .join(' ')
      .match(/\w+/g)?.length
    expect(pages).toEqual([
      {
        ...{
          url: sites.url(host),
          status: 200,
          problem: null,
          title: 'All of it',
          words,
          links: 4,
          depth: 0,
        },
        document: {
          ...{
            url: sites.url(host),
            title: 'All of it',
            words,
            source: 'crawl of docs.example.com',
          },
          text: expect.stringContaining('in memory, and on disk too.'),
          seenAt: new Date('2026-05-06T07:08:09.010Z'),
          links: [
            sites.url(host, '/a'),
            hrefs[1],
            sites.url(host, '/a'),
            sites.url(host, '/b?x=1#top'),
          ].map((href, i) => ({
            ...{ href, anchor: `link ${i}`, nofollow: i === 1, kind: 'text' },
          })),
        },
      },
    ])
  })

  test('has its number of clicks, and nearer pages come first', async () => {
    const sites = await localSites({
      [host]: {
        '/': links('/1', '/2'),
        '/1': links('/1a', '/2'),
        '/2': links('/2a', '/'),
        '/1a': links('/deep', '/2a'),
        '/2a': 'x',
        '/deep': 'x',
      },
    })
    const { pages } = await crawlAll(webOf(sites), { startUrl: sites.url(host) })
    expect(pages.map(({ url, depth }) => [new URL(url).pathname, depth])).toEqual([
      ['/', 0],
      ['/1', 1],
      ['/2', 1],
      ['/1a', 2],
      ['/2a', 2],
      ['/deep', 3],
    ])
  })

  test('that does not exist has only its address and problem', async () => {
    const sites = await localSites({
      [host]: { '/': links('/gone', '/broken'), '/gone': answer(410), '/broken': answer(500) },
    })
    const { pages } = await crawlAll(webOf(sites), { startUrl: sites.url(host) })
    const nothing = { title: '', words: 0, links: 0, depth: 1, document: null }
    expect(pages.slice(1)).toEqual([
      { ...nothing, url: sites.url(host, '/gone'), status: 410, problem: 'HTTP 410' },
      { ...nothing, url: sites.url(host, '/broken'), status: 500, problem: 'HTTP 500' },
    ])
  })
})

test('each page is requested once, however its address is written', async () => {
  const same = [
    '/p',
    '/p#a',
    '/p/',
    `http://${host}:PORT/p`,
    `//${host}:PORT/p`,
    './p',
    `http://www.${host}:PORT/p`,
  ]
  const home: Served = (request, response) => {
    const { port = '' } = new URL(`http://${request.headers.host}`)
    response
      .writeHead(200, { 'content-type': 'text/html' })
      .end(links(...same.map((href) => href.replace('PORT', port))))
  }
  const sites = await localSites({ [host]: { '/': home, '/p': links('/', '/p') } })
  const { pages } = await crawlAll(webOf(sites), { startUrl: sites.url(host) })
  expect(pages).toHaveLength(2)
  expect(sites.requests.map(({ path }) => path)).toEqual(['/robots.txt', '/', '/p', '/sitemap.xml'])
  expect(new Set(sites.requests.map(({ agent }) => agent))).toEqual(new Set([userAgent]))
})

test('nofollow links and links to files are not followed', async () => {
  const sites = await localSites({
    [host]: {
      '/': `<a rel="nofollow" href="/n">n</a><a href="/a.PDF">f</a><a href="/i.png">i</a><a href="/v1.2">v</a>`,
    },
  })
  const { pages } = await crawlAll(webOf(sites), { startUrl: sites.url(host) })
  expect(pages.map(({ url }) => new URL(url).pathname)).toEqual(['/', '/v1.2'])
})

describe('the scope', () => {
  const everywhere = ['/docs/', '/docs', '/docs/b', '/docsx', '/']
  test.each([
    ['site', '/docs/a.html', ['docs.example.com', 'www.example.com', 'example.com'], everywhere],
    ['host', '/docs/a.html', ['docs.example.com'], everywhere],
    ['folder', '/docs/a.html', ['docs.example.com'], ['/docs/', '/docs/b']],
    ['folder', '/docs', ['docs.example.com'], ['/docs', '/docs/b']],
    ['folder', '/docs/', ['docs.example.com'], ['/docs/', '/docs/b']],
  ] as const)('%s from %s', async (scope, start, hosts, paths) => {
    const names = [
      'docs.example.com',
      'www.example.com',
      'example.com',
      'other.example.net',
      'example.com.evil.net',
    ]
    const home: Served = (request, response) => {
      const { port } = new URL(`http://${request.headers.host}`)
      const hrefs = names.flatMap((name) =>
        everywhere.map((path) => `http://${name}:${port}${path}`),
      )
      response.writeHead(200, { 'content-type': 'text/html' }).end(links(...hrefs))
    }
    const site = Object.fromEntries(everywhere.map((path) => [path, 'page']))
    const sites = await localSites({
      ...Object.fromEntries(names.map((name) => [name, site])),
      [host]: { ...site, [start]: home },
    })
    const { pages } = await crawlAll(webOf(sites), { startUrl: sites.url(host, start), scope })
    const key = (url: string) => url.replace('www.', '').replace(/\/$/, '')
    const expected = hosts.flatMap((name) => paths.map((path) => key(sites.url(name, path))))
    expect(pages.map(({ url }) => key(url)).sort()).toEqual(
      [...new Set([...expected, key(sites.url(host, start))])].sort(),
    )
  })
})

describe('a redirect', () => {
  test('counts as a visit to its target', async () => {
    const sites = await localSites({
      [host]: {
        '/': links('/old', '/new', '/older'),
        '/old': redirect('/new', 301),
        '/older': redirect('/old'),
        '/new': 'new',
      },
    })
    const { pages } = await crawlAll(webOf(sites), { startUrl: sites.url(host) })
    expect(
      pages.map(({ url, status, problem }) => [new URL(url).pathname, status, problem]),
    ).toEqual([
      ['/', 200, null],
      ['/new', 200, null],
      ['/older', 302, `redirects to ${sites.url(host, '/old')}`],
    ])
    expect(sites.requests.filter(({ path }) => path === '/new')).toHaveLength(1)
  })

  test('out of the crawl is reported and not followed', async () => {
    const sites = await localSites({
      [host]: { '/': links('/out'), '/out': redirect('https://other.example.net/x') },
    })
    const { pages } = await crawlAll(webOf(sites), { startUrl: sites.url(host) })
    expect(pages[1]).toMatchObject({
      url: sites.url(host, '/out'),
      status: 302,
      problem: 'redirects to https://other.example.net/x',
    })
  })

  test.each([
    [5, null],
    [6, 'more than 5 redirects'],
  ])('is followed at most five times: %i', async (count, problem) => {
    const steps = Object.fromEntries(
      Array.from({ length: count }, (_, i) => [`/r${i}`, redirect(`/r${i + 1}`)]),
    )
    const sites = await localSites({
      [host]: { '/': links('/r0'), ...steps, [`/r${count}`]: 'page' },
    })
    const { pages } = await crawlAll(webOf(sites), { startUrl: sites.url(host) })
    expect(pages[1]?.problem).toBe(problem)
  })

  test('of the start page determines the scope', async () => {
    const sites = await localSites({
      'old.example.org': {},
      [host]: { '/': links('/a'), '/a': 'a' },
    })
    const port = sites.port
    const old = await localSites({
      'old.example.org': { '/': redirect(`http://${host}:${port}/`, 301) },
    })
    const lookup: typeof sites.lookup = (name) =>
      name === host ? sites.lookup(name) : old.lookup(name)
    const { pages, notes } = await crawlAll(webOf(sites, { lookup }), {
      startUrl: old.url('old.example.org'),
    })
    expect(pages.map(({ url }) => url)).toEqual([sites.url(host), sites.url(host, '/a')])
    expect(notes).toEqual([
      `${old.url('old.example.org')} redirects to ${sites.url(host)}, so the crawl starts there.`,
    ])
  })
})

describe('a canonical address', () => {
  const page = (canonical: string, body = '') =>
    `<link rel="canonical" href="${canonical}"><title>T</title>${body}`
  test('is the address of the page in the index, and is not visited itself', async () => {
    const sites = await localSites({
      [host]: {
        '/': links('/p?utm=1', '/p', '/p?utm=2'),
        '/p?utm=1': page('/p'),
        '/p?utm=2': page('/p'),
        '/p': 'never requested',
      },
    })
    const { pages } = await crawlAll(webOf(sites), { startUrl: sites.url(host) })
    expect(
      pages.map(({ url, problem, document }) => [url, problem, document?.url ?? null]),
    ).toEqual([
      [sites.url(host), null, sites.url(host)],
      [sites.url(host, '/p?utm=1'), null, sites.url(host, '/p')],
      [sites.url(host, '/p?utm=2'), `a duplicate of ${sites.url(host, '/p')}`, null],
    ])
  })

  test('may be in a header', async () => {
    const header = {
      'content-type': 'text/html',
      link: `</style.css>; rel=preload, </p>; rel="canonical"`,
    }
    const sites = await localSites({ [host]: { '/': answer(200, header, 'page') } })
    const { pages } = await crawlAll(webOf(sites), { startUrl: sites.url(host) })
    expect(pages[0]?.document?.url).toBe(sites.url(host, '/p'))
  })

  test('on another site excludes the page from the index, but its links are followed', async () => {
    const sites = await localSites({
      [host]: { '/': page('https://other.example.net/', links('/a')), '/a': 'a' },
    })
    const { pages } = await crawlAll(webOf(sites), { startUrl: sites.url(host) })
    expect(pages.map(({ problem }) => problem)).toEqual([
      'its canonical page is on another site: https://other.example.net/',
      null,
    ])
    expect(pages[0]?.document).toBeNull()
  })

  test.each(['', '#', 'http://[', 'mailto:x@example.com'])(
    'that is invalid is ignored: “%s”',
    async (canonical) => {
      const sites = await localSites({ [host]: { '/': page(canonical) } })
      const { pages } = await crawlAll(webOf(sites), { startUrl: sites.url(host) })
      expect(pages[0]).toMatchObject({ problem: null, document: { url: sites.url(host) } })
    },
  )
})

describe('a sitemap', () => {
  const urlset = (...hrefs: string[]) =>
    `<?xml version="1.0"?><urlset>${hrefs.map((href) => `<url><loc> ${href} </loc><image:loc>x</image:loc></url>`).join('')}</urlset>`
  const index = (...hrefs: string[]) =>
    `<sitemapindex>${hrefs.map((href) => `<sitemap><loc>${href}</loc></sitemap>`).join('')}</sitemapindex>`
  const paths = (pages: { url: string; depth: number | null }[]) =>
    pages.map(({ url, depth }) => [new URL(url).pathname, depth])

  test('in robots.txt adds pages after all linked ones, with unknown clicks', async () => {
    const site: Record<string, Served> = {
      '/': links('/linked'),
      '/linked': 'x',
      '/only': links('/below'),
      '/below': 'x',
    }
    const sites = await localSites({ [host]: site })
    site['/robots.txt'] = robots('User-agent: *', `Sitemap: ${sites.url(host, '/maps/index.xml')}`)
    site['/maps/index.xml'] = index(
      sites.url(host, '/maps/1.xml.gz'),
      sites.url(host, '/maps/missing.xml'),
    )
    site['/maps/1.xml.gz'] = answer(
      200,
      { 'content-type': 'application/gzip' },
      gzipSync(
        urlset(
          sites.url(host, '/only'),
          sites.url(host, '/linked'),
          'https://other.example.net/no',
        ),
      ),
    )
    const { pages } = await crawlAll(webOf(sites), { startUrl: sites.url(host) })
    expect(paths(pages)).toEqual([
      ['/', 0],
      ['/linked', 1],
      ['/only', null],
      ['/below', null],
    ])
  })

  test('is read from /sitemap.xml if robots.txt names none', async () => {
    const site: Record<string, Served> = { '/': 'home', '/only': 'x' }
    const sites = await localSites({ [host]: site })
    site['/sitemap.xml'] = urlset(sites.url(host, '/only'))
    expect(paths((await crawlAll(webOf(sites), { startUrl: sites.url(host) })).pages)).toEqual([
      ['/', 0],
      ['/only', null],
    ])
  })

  test('is not requested if there are enough linked pages', async () => {
    const sites = await localSites({
      [host]: { '/': links('/a'), '/a': 'a', '/sitemap.xml': urlset() },
    })
    await crawlAll(webOf(sites), { startUrl: sites.url(host), maxPages: 2 })
    expect(sites.requests.map(({ path }) => path)).not.toContain('/sitemap.xml')
  })

  test('that lists itself, is not XML, or is a zip bomb does no harm', async () => {
    const site: Record<string, Served> = {
      '/': 'home',
      '/text': 'just text',
      '/deep': '<a>'.repeat(300_000),
    }
    const sites = await localSites({ [host]: site })
    site['/bomb'] = answer(200, {}, gzipSync(Buffer.alloc(50 * 1024 * 1024, '<url><loc>')))
    site['/loop'] = index(
      ...['/loop', '/text', '/deep', '/bomb'].map((path) => sites.url(host, path)),
    )
    site['/robots.txt'] = robots(`Sitemap: ${sites.url(host, '/loop')}`)
    expect((await crawlAll(webOf(sites), { startUrl: sites.url(host) })).pages).toHaveLength(1)
  })
})

describe('a trap', () => {
  test('of endless queries on one path ends after a hundred, with a note', async () => {
    const sites = await localSites({
      [host]: { '/': links(...Array.from({ length: 150 }, (_, i) => `/list?page=${i}`)) },
    })
    const { pages, notes } = await crawlAll(webOf(sites), {
      startUrl: sites.url(host),
      maxPages: 1000,
    })
    expect(pages).toHaveLength(101)
    expect(notes).toEqual([
      `Skipped further addresses of ${host}:${sites.port}/list after 100 that differ only in their query.`,
    ])
  })

  test('of growing addresses is avoided', async () => {
    const sites = await localSites({
      [host]: {
        '/': links(`/${'a/'.repeat(30)}`, `/?q=${'x'.repeat(2048)}`, '/fine'),
        '/fine': 'x',
      },
    })
    const { pages } = await crawlAll(webOf(sites), { startUrl: sites.url(host) })
    expect(pages.map(({ url }) => new URL(url).pathname)).toEqual(['/', '/fine'])
  })

  test('of pages that always link to a next one ends after a hundred clicks', async () => {
    const next: Served = (request, response) =>
      response
        .writeHead(200, { 'content-type': 'text/html' })
        .end(links(`/${Number(request.url?.slice(1) ?? 0) + 1}`))
    const site = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`/${i || ''}`, next]))
    const sites = await localSites({ [host]: site })
    const { pages, notes } = await crawlAll(webOf(sites), {
      startUrl: sites.url(host),
      maxPages: 1000,
    })
    expect(pages.at(-1)?.depth).toBe(100)
    expect(notes).toEqual(['Skipped pages more than 100 clicks from the start page.'])
  })
})

test('a crawl stops at the maximum number of pages and reports exact progress', async () => {
  const pagesOf = (n: number) =>
    Object.fromEntries(
      Array.from({ length: n }, (_, i) => [`/${i}`, links(`/${i + 1}`, `/${i + 2}`)]),
    )
  const sites = await localSites({ [host]: { '/': links('/0'), ...pagesOf(30) } })
  const { pages, steps } = await crawlAll(webOf(sites), { startUrl: sites.url(host), maxPages: 12 })
  expect(pages).toHaveLength(12)
  expect(steps.map(({ done }) => done)).toEqual([
    ...Array.from({ length: 12 }, (_, i) => i + 1),
    12,
  ])
  const totals = steps.map(({ total }) => total)
  // Unknown until more pages are known than will be visited, and the same from then on.
  expect(totals).toEqual([
    ...totals.filter((total) => total === null),
    ...totals.filter((total) => total === 12),
  ])
  expect(sites.requests.filter(({ path }) => /^\/\d/.test(path)).length).toBe(11)
})

test('at most eight hosts are visited at once, each with one request at a time', async () => {
  const names = Array.from({ length: 12 }, (_, i) => `h${i}.example.com`)
  const slow: Served = (_request, response) =>
    void setTimeout(() => response.writeHead(200, { 'content-type': 'text/html' }).end('x'), 15)
  const site = { '/': slow, '/2': slow }
  const home: Record<string, Served> = {}
  const sites = await localSites({
    [host]: home,
    ...Object.fromEntries(names.map((name) => [name, site])),
  })
  home['/'] = links(...names.flatMap((name) => [sites.url(name), sites.url(name, '/2')]))
  const { pages } = await crawlAll(webOf(sites), { startUrl: sites.url(host) })
  expect(pages).toHaveLength(25)
  const atOnce = (requests: typeof sites.requests) =>
    Math.max(
      ...requests.map(
        ({ from }) => requests.filter((other) => other.from <= from && other.to > from).length,
      ),
    )
  expect(atOnce(sites.requests)).toBeLessThanOrEqual(8)
  expect(atOnce(sites.requests)).toBeGreaterThan(3)
  for (const name of names)
    expect(atOnce(sites.requests.filter((request) => request.host === name))).toBe(1)
})

test('several workers never visit a host at the same time and keep the pause between requests', async () => {
  const site = { '/': links('/1', '/2', '/3'), '/1': 'a', '/2': 'b', '/3': 'c' }
  const sites = await localSites({ [host]: site })
  const namespace = uniquePrefix()
  const gapMs = 30
  const workers = [1, 2, 3].map(() => webOf(sites, { namespace, limits: { gapMs } }))
  await Promise.all(workers.map((web) => crawlAll(web, { startUrl: sites.url(host) })))
  const inOrder = sites.requests.toSorted((a, b) => a.from - b.from)
  expect(inOrder).toHaveLength(3 * 6)
  const gaps = inOrder.slice(1).map(({ from }, i) => from - (inOrder[i]?.to ?? Number.NaN))
  // Redis counts whole milliseconds.
  expect(Math.min(...gaps)).toBeGreaterThanOrEqual(gapMs - 1)
})

describe('an abort', () => {
  test('during a request takes effect at once and closes the socket', async () => {
    const stop = new AbortController()
    const sites = await localSites({
      [host]: { '/': links('/slow'), '/slow': () => stop.abort(new Error('cancelled')) },
    })
    // Nothing else ends this request.
    const web = webOf(sites, { limits: { totalMs: 3_600_000 } })
    const crawling = crawlAll(web, { startUrl: sites.url(host) }, stop)
    await expect(crawling).rejects.toThrow('cancelled')
    await expect.poll(() => sites.open()).toBe(0)
  })

  test('in the pause before a request takes effect at once', async () => {
    const stop = new AbortController()
    const sites = await localSites({ [host]: { '/': 'home' } })
    const crawling = crawlAll(
      webOf(sites, { limits: { gapMs: 3_600_000 } }),
      { startUrl: sites.url(host) },
      stop,
    )
    await expect.poll(() => sites.requests.length).toBe(1)
    stop.abort(new Error('cancelled'))
    await expect(crawling).rejects.toThrow('cancelled')
  })

  test('can interrupt the reading of a page with a hundred thousand links', async () => {
    const count = 100_000
    const large = '<a href=x>'.repeat(count)
    const sites = await localSites({ [host]: { '/': large } })
    const { longestMs, totalMs } = await longestBlock(async () => {
      const { pages } = await crawlAll(webOf(sites), { startUrl: sites.url(host), maxPages: 1 })
      expect(pages[0]?.links).toBe(count)
    })
    expect(longestMs).toBeLessThan(totalMs / 4)
  })

  test('is not needed: ending the iteration closes all connections', async () => {
    const sites = await localSites({ [host]: { '/': links('/1', '/2'), '/1': 'a', '/2': 'b' } })
    for await (const event of webOf(sites).crawl(
      { startUrl: sites.url(host), maxPages: 10, scope: 'site' },
      new AbortController(),
    ))
      if ('page' in event) break
    await expect.poll(() => sites.open()).toBe(0)
    expect(sites.requests.map(({ path }) => path)).toEqual(['/robots.txt', '/'])
  })
})

test.each<[string, string, Served, string]>([
  ['that does not exist', '/', answer(404), 'the page does not exist (HTTP 404)'],
  ['that fails', '/', answer(500), 'the server answered with an error (HTTP 500)'],
  [
    'that is not HTML',
    '/',
    answer(200, { 'content-type': 'application/pdf' }),
    'the page is not HTML (application/pdf)',
  ],
])('a start page %s ends the crawl with a reason', async (_what, path, served, reason) => {
  const sites = await localSites({ [host]: { [path]: served } })
  await expect(crawlAll(webOf(sites), { startUrl: sites.url(host, path) })).rejects.toThrow(
    `The crawl can’t start at ${sites.url(host, path)}: ${reason}.`,
  )
})
