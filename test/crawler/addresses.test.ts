import { createServer as createTcpServer } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { describe, expect, onTestFinished, test } from 'vitest'
import { AllowPrivate, allowedAddresses } from '#crawler/allowed-addresses.ts'
import type { LocalSites } from './local-sites.ts'
import { crawlAll, links, localSites, redirect, webOf } from './local-sites.ts'

describe('an address', () => {
  const allows = allowedAddresses([])
  test.each([
    ['this host', '0.0.0.0'],
    ['a private network', '10.1.2.3'],
    ['carrier NAT', '100.64.0.1'],
    ['loopback', '127.0.0.1'],
    ['another loopback address', '127.9.9.9'],
    ['link-local, the metadata service of clouds', '169.254.169.254'],
    ['a private network of 172', '172.16.0.1'],
    ['a private network of 192', '192.168.0.1'],
    ['multicast', '224.0.0.1'],
    ['broadcast', '255.255.255.255'],
    ['IPv6 loopback', '::1'],
    ['IPv6 unspecified', '::'],
    ['IPv6 private', 'fd00::1'],
    ['IPv6 link-local', 'fe80::1'],
    ['IPv4 loopback in IPv6 notation', '::ffff:127.0.0.1'],
    ['IPv4 loopback behind 6to4', '2002:7f00:1::'],
    ['IPv4 loopback behind NAT64', '64:ff9b::7f00:1'],
    ['documentation', '192.0.2.1'],
    ['a name', 'localhost'],
  ])('of %s is not public: %s', (_kind, ip) => {
    expect(allows(ip)).toBe(false)
  })

  test.each(['93.184.216.34', '1.1.1.1', '2606:4700:4700::1111', '::ffff:1.1.1.1'])(
    '%s is public',
    (ip) => {
      expect(allows(ip)).toBe(true)
    },
  )
})

describe('CRAWL_ALLOW_PRIVATE', () => {
  test('allows those networks and no others', () => {
    const allows = allowedAddresses(AllowPrivate.parse(' 10.1.0.0/16, 127.0.0.2,fd00::/8 '))
    expect(['10.1.255.1', '127.0.0.2', '::ffff:127.0.0.2', 'fd12::3'].map(allows)).toEqual([
      true,
      true,
      true,
      true,
    ])
    expect(['10.2.0.1', '127.0.0.1', '::1', '192.168.0.1'].map(allows)).toEqual([
      false,
      false,
      false,
      false,
    ])
  })

  test('allows nothing if it is empty or unset', () => {
    expect(AllowPrivate.parse('')).toEqual([])
    expect(AllowPrivate.parse(undefined)).toEqual([])
  })

  test('reports each part that is not a network', () => {
    const issues = AllowPrivate.safeParse('10.0.0.0/33, intranet, 10/8, fd00::/8').error?.issues
    expect(issues?.map(({ message }) => message)).toEqual(
      ['10.0.0.0/33', 'intranet', '10/8'].map(
        (part) => `“${part}” is not a network such as 10.1.0.0/16 or fd00::/8`,
      ),
    )
  })
})

/** The statuses of one link on this page. */
async function verifyOne(
  sites: LocalSites,
  sourceUrl: string,
  options: Parameters<typeof webOf>[1] = {},
) {
  const statuses: string[] = []
  const link = { sourceUrl, isTarget: () => true }
  for await (const { status } of webOf(sites, options).verifyLinks([link], new AbortController()))
    statuses.push(status)
  return statuses
}

describe('no private address is visited', () => {
  test('by a name that resolves to one', async () => {
    const sites = await localSites({ 'a.example.com': { '/': 'secret' } })
    expect(await verifyOne(sites, sites.url('a.example.com'), { allowPrivate: [] })).toEqual([
      'blocked_address',
    ])
    await expect(
      crawlAll(webOf(sites, { allowPrivate: [] }), { startUrl: sites.url('a.example.com') }),
    ).rejects.toThrow(
      /can’t start at .*: a\.example\.com resolves to the private address 127\.0\.0\.1\.$/,
    )
    expect(sites.requests).toEqual([])
  })

  test.each([
    ['1.1.1.1', '10.0.0.7'],
    ['10.0.0.7', '1.1.1.1'],
    ['1.1.1.1', '::ffff:10.0.0.7'],
    ['fe80::1'],
  ])('by a name with a private address among others: %s %s', async (...addresses) => {
    const sites = await localSites(
      { 'a.example.com': {} },
      { 'a.example.com': addresses.filter(Boolean) },
    )
    expect(await verifyOne(sites, sites.url('a.example.com'))).toEqual(['blocked_address'])
  })

  test.each([
    'http://127.0.0.1:PORT/',
    'http://[::1]:PORT/',
    'http://[::ffff:127.0.0.1]:PORT/',
    'http://2130706433:PORT/',
    'http://0x7f.1:PORT/',
    'http://0.0.0.0:PORT/',
    'http://169.254.169.254/latest/meta-data/',
  ])('by the address itself: %s', async (written) => {
    const sites = await localSites({ '127.0.0.1': { '/': 'secret' } })
    expect(
      await verifyOne(sites, written.replace('PORT', String(sites.port)), { allowPrivate: [] }),
    ).toEqual(['blocked_address'])
    expect(sites.requests).toEqual([])
  })

  test.each([
    'http://127.0.0.9:PORT/secret',
    '//127.0.0.9:PORT/secret',
    'http://inside.example.com:PORT/secret',
  ])('by a redirect: %s', async (location) => {
    const sites = await localSites(
      {
        'a.example.com': {
          '/': (_request, response) =>
            response
              .writeHead(302, { location: location.replace('PORT', String(sites.port)) })
              .end(),
        },
      },
      { 'inside.example.com': ['10.0.0.1'] },
    )
    expect(await verifyOne(sites, sites.url('a.example.com'))).toEqual(['blocked_address'])
  })

  test('by a redirect of robots.txt', async () => {
    const sites = await localSites({
      'a.example.com': { '/robots.txt': redirect('http://169.254.169.254/'), '/': 'page' },
    })
    expect(await verifyOne(sites, sites.url('a.example.com'))).toEqual(['blocked_address'])
    expect(sites.requests.map(({ path }) => path)).toEqual(['/robots.txt'])
  })

  test('by a name that resolves differently the next time', async () => {
    const sites = await localSites({ 'a.example.com': { '/': links('/') } })
    let lookups = 0
    const lookup = async (hostname: string) => {
      lookups++
      return lookups === 1 ? sites.lookup(hostname) : [{ address: '10.0.0.1', family: 4 }]
    }
    // Both requests use the connection to the address that was checked.
    expect(await verifyOne(sites, sites.url('a.example.com'), { lookup })).toEqual(['live'])
    expect(lookups).toBe(1)
    expect(sites.requests.map(({ path }) => path)).toEqual(['/robots.txt', '/'])
  })

  test.each([
    'ftp://a.example.com/',
    'http://me:secret@a.example.com/',
    'http://a.example.com:22/',
    'http://a.example.com:6667/',
    'file:///etc/passwd',
  ])('by an address that no browser would fetch: %s', async (sourceUrl) => {
    const sites = await localSites({ 'a.example.com': { '/': 'page' } })
    expect(await verifyOne(sites, sourceUrl)).toEqual(['http_error'])
    expect(sites.requests).toEqual([])
  })
})

test('proxy settings in the environment are ignored', async () => {
  const sites = await localSites({ 'a.example.com': { '/': links('/') } })
  const before = { ...process.env }
  onTestFinished(() => {
    for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name]
    Object.assign(process.env, before)
  })
  Object.assign(process.env, {
    HTTP_PROXY: 'http://127.0.0.1:9',
    http_proxy: 'http://127.0.0.1:9',
    NODE_USE_ENV_PROXY: '1',
  })
  expect(await verifyOne(sites, sites.url('a.example.com'))).toEqual(['live'])
})

test('the second address of a name is tried if the first refuses', async () => {
  const sites = await localSites(
    { 'a.example.com': { '/': links('/') } },
    { 'a.example.com': ['127.0.0.8', '127.0.0.1'] },
  )
  const allowPrivate = AllowPrivate.parse('127.0.0.0/8')
  expect(await verifyOne(sites, sites.url('a.example.com'), { allowPrivate })).toEqual(['live'])
})

test('an https server receives the host name', async () => {
  const names: string[] = []
  const server = createTlsServer({
    SNICallback(name, answer) {
      names.push(name)
      answer(new Error('no certificate for anyone'))
    },
  })
  server.on('tlsClientError', () => {})
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const sites = await localSites({ 'a.example.com': {} })
  expect(await verifyOne(sites, `https://a.example.com:${port}/`)).toEqual(['http_error'])
  expect(names).toEqual(['a.example.com'])
})

test('a refused connection and an unknown name have different messages', async () => {
  const closed = createTcpServer()
  await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve))
  const address = closed.address()
  const port = typeof address === 'object' && address ? address.port : 0
  await new Promise((resolve) => closed.close(resolve))
  const sites = await localSites({ 'a.example.com': {} })
  const web = webOf(sites)
  await expect(crawlAll(web, { startUrl: `http://a.example.com:${port}/` })).rejects.toThrow(
    'the server refuses connections',
  )
  await expect(crawlAll(web, { startUrl: sites.url('b.example.com') })).rejects.toThrow(
    'its host name does not exist',
  )
})
