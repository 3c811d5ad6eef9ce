import { describe, expect, test } from 'vitest'
import { NoNetwork } from '#crawler/errors.ts'
import { systemDns } from '#crawler/guarded-connections.ts'
import type { LinkToVerify, Web } from '#crawler/web.ts'
import { answer, links, localSites, redirect, robots, webOf } from './local-sites.ts'

const host = 'a.example.com'
const target = 'https://target.example.net/page'
const isTarget = (href: string) => href === target

async function verify(web: Web, sources: string[], { signal } = new AbortController()) {
  const statuses: [string, string][] = []
  const toVerify: LinkToVerify[] = sources.map((sourceUrl) => ({ sourceUrl, isTarget }))
  for await (const { link, status } of web.verifyLinks(toVerify, { signal }))
    statuses.push([link.sourceUrl, status])
  return statuses
}

test('each link has its current status', async () => {
  const link = (rel = '') => `<p>See <a href="${target}"${rel && ` rel="${rel}"`}>it</a>`
  const sites = await localSites(
    {
      [host]: {
        '/robots.txt': robots('User-agent: *', 'Disallow: /closed'),
        '/live': link(),
        '/nofollow': link('nofollow'),
        '/both': link('ugc') + link(),
        '/page-nofollow': `<meta name="robots" content="nofollow">${link()}`,
        '/header-nofollow': answer(
          200,
          { 'content-type': 'text/html', 'x-robots-tag': 'none' },
          link(),
        ),
        '/relative': `<base href="https://target.example.net/dir/"><a href="../page">it</a>`,
        '/lost': links('https://target.example.net/other'),
        '/moved': redirect('/live'),
        '/gone': answer(410),
        '/away': redirect('/nowhere'),
        '/closed': link(),
        '/broken': answer(500),
        '/pdf': answer(200, { 'content-type': 'application/pdf' }, link()),
        '/slow': () => {},
        '/large': `${link()}${' '.repeat(2 * 1024 * 1024)}`,
        '/private': redirect('http://10.0.0.1/'),
      },
    },
    { 'inside.example.com': ['192.168.1.1'] },
  )
  const expected: Record<string, string> = {
    '/live': 'live',
    '/nofollow': 'live_nofollow',
    '/both': 'live',
    '/page-nofollow': 'live_nofollow',
    '/header-nofollow': 'live_nofollow',
    '/relative': 'live',
    '/lost': 'lost',
    '/moved': 'live',
    '/gone': 'gone',
    '/away': 'gone',
    '/closed': 'robots',
    '/broken': 'http_error',
    '/pdf': 'not_html',
    '/large': 'http_error',
    '/private': 'blocked_address',
  }
  const sources = [
    ...Object.keys(expected).map((path) => sites.url(host, path)),
    sites.url('inside.example.com'),
    'no address',
    sites.url('unknown.example.com'),
  ]
  const statuses = await verify(webOf(sites), sources)
  expect(
    Object.fromEntries(
      statuses.map(([url, status]) => [url.replace(sites.url(host, ''), ''), status]),
    ),
  ).toEqual({
    ...expected,
    [sites.url('inside.example.com')]: 'blocked_address',
    'no address': 'http_error',
    [sites.url('unknown.example.com')]: 'http_error',
  })
  expect(statuses).toHaveLength(sources.length)
  const slow = sites.url(host, '/slow')
  const impatient = webOf(sites, { limits: { totalMs: 3_000 } })
  expect(await verify(impatient, [slow])).toEqual([[slow, 'timeout']])
})

test('a page with several links is requested once', async () => {
  const sites = await localSites({ [host]: { '/p': links(target) } })
  const url = sites.url(host, '/p')
  expect(await verify(webOf(sites), [url, `${url}#part`, url])).toEqual([
    [url, 'live'],
    [`${url}#part`, 'live'],
    [url, 'live'],
  ])
  expect(sites.requests.map(({ path }) => path)).toEqual(['/robots.txt', '/p'])
})

test('a host that fails three times in a row is not visited any more', async () => {
  const names = Object.fromEntries(Array.from({ length: 6 }, (_, i) => [`/${i}`, () => {}]))
  const sites = await localSites({ [host]: names, 'b.example.com': { '/': links(target) } })
  const sources = [
    ...Object.keys(names).map((path) => sites.url(host, path)),
    sites.url('b.example.com'),
  ]
  const statuses = await verify(webOf(sites, { limits: { totalMs: 3_000 } }), sources)
  expect(statuses.filter(([, status]) => status === 'timeout')).toHaveLength(6)
  expect(statuses[0]).toEqual([sites.url('b.example.com'), 'live'])
  expect(
    sites.requests.filter((request) => request.host === host && request.path !== '/robots.txt'),
  ).toHaveLength(3)
})

describe('without a network', () => {
  const everywhere = Array.from({ length: 40 }, (_, i) => `https://site-${i}.com/page`)

  test('verification fails at once and yields no link', async () => {
    // The DNS of this machine. With a network, names with this reserved ending don't exist either.
    const sites = await localSites({})
    let lookups = 0
    const lookup = (name: string) => {
      lookups++
      return systemDns(`${name}.invalid`)
    }
    await expect(verify(webOf(sites, { lookup }), everywhere)).rejects.toThrow(NoNetwork)
    expect(lookups).toBeLessThan(30)
  })

  test.each(['EAI_AGAIN', 'ENOTFOUND'])(
    'and %s from the DNS, few names are looked up',
    async (code) => {
      let lookups = 0
      const sites = await localSites({})
      const lookup = async () => {
        lookups++
        throw Object.assign(new Error(code), { code })
      }
      await expect(verify(webOf(sites, { lookup }), everywhere)).rejects.toThrow(NoNetwork)
      expect(lookups).toBeLessThan(30)
    },
  )

  test('and a DNS that never answers, names are looked up concurrently', async () => {
    const sites = await localSites({})
    const lookedUp: string[] = []
    let atOnce = 0
    const lookup = (name: string) => {
      lookedUp.push(name)
      return new Promise<never>(() => {})
    }
    const web = webOf(sites, { lookup, limits: { connectMs: 3_000 } })
    const verifying = verify(web, everywhere)
    // All of these wait before the first of them has been given up.
    await expect.poll(() => (atOnce = lookedUp.length)).toBeGreaterThan(3)
    await expect(verifying).rejects.toThrow(NoNetwork)
    expect(atOnce).toBeLessThan(30)
    expect(lookedUp.length).toBeLessThan(30)
  })

  test('two hosts prove nothing: their links are http_error', async () => {
    const sites = await localSites({})
    expect(await verify(webOf(sites), everywhere.slice(0, 2))).toEqual(
      everywhere.slice(0, 2).map((url) => [url, 'http_error']),
    )
  })
})

test('unknown hosts are http_error if another host answers', async () => {
  const sites = await localSites({ [host]: { '/': links(target) } })
  const gone = Array.from({ length: 20 }, (_, i) => `http://gone-${i}.example.org/`)
  const statuses = await verify(webOf(sites), [
    ...gone.slice(0, 3),
    sites.url(host),
    ...gone.slice(3),
  ])
  expect(statuses.filter(([, status]) => status === 'http_error')).toHaveLength(20)
  expect(statuses.filter(([, status]) => status === 'live')).toEqual([[sites.url(host), 'live']])
})

test('an abort takes effect at once', async () => {
  const stop = new AbortController()
  const sites = await localSites({ [host]: { '/': () => stop.abort(new Error('cancelled')) } })
  // Nothing else ends this request.
  const web = webOf(sites, { limits: { totalMs: 3_600_000 } })
  await expect(verify(web, [sites.url(host)], stop)).rejects.toThrow('cancelled')
  await expect.poll(() => sites.open()).toBe(0)
})
