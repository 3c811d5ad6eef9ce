import { brotliCompressSync, constants, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import type { Limits } from '#crawler/limits.ts'
import { answer, crawlAll, links, localSites, type Served, webOf } from './local-sites.ts'

const host = 'a.example.com'

/** What becomes of a page that is served so. */
async function pageServed(served: Served, limits: Partial<Limits> = {}) {
  const sites = await localSites({ [host]: { '/': links('/page'), '/page': served } })
  const { pages } = await crawlAll(webOf(sites, { limits }), { startUrl: sites.url(host) })
  const page = pages.find(({ url }) => url.endsWith('/page'))
  return { page, sites }
}

const html = { 'content-type': 'text/html' }
const text = `<title>Packed</title>${'<p>one two three</p>'.repeat(100)}`

describe('a body', () => {
  test.each([
    ['gzip', gzipSync(text)],
    ['x-gzip', gzipSync(text)],
    ['deflate', deflateSync(text)],
    ['deflate', deflateRawSync(text)],
    ['br', brotliCompressSync(text)],
    ['identity', Buffer.from(text)],
    ['deflate, gzip', gzipSync(deflateSync(text))],
  ])('packed with %s is unpacked', async (encoding, body) => {
    const { page } = await pageServed(answer(200, { ...html, 'content-encoding': encoding }, body))
    expect(page).toMatchObject({ title: 'Packed', words: 300, problem: null })
  })

  test('whose packing is unknown or damaged is told, and nothing of it kept', async () => {
    const unknown = await pageServed(answer(200, { ...html, 'content-encoding': 'zstd' }, 'x'))
    expect(unknown.page).toMatchObject({
      status: 200,
      problem: 'its encoding zstd is unknown',
      document: null,
    })
    const damaged = await pageServed(
      answer(200, { ...html, 'content-encoding': 'gzip' }, 'this is no gzip'),
    )
    expect(damaged.page).toMatchObject({
      status: 200,
      problem: 'it can’t be unpacked',
      document: null,
    })
  })

  test.each([
    ['gzip', gzipSync],
    [
      'br',
      (bytes: Buffer) =>
        brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }),
    ],
    ['deflate', deflateSync],
  ])('that is a bomb of %s is cut off while it unfolds', async (encoding, pack) => {
    const bomb = pack(Buffer.alloc(100 * 1024 * 1024))
    expect(bomb.length).toBeLessThan(200_000)
    const before = process.memoryUsage().rss
    const { page } = await pageServed(answer(200, { ...html, 'content-encoding': encoding }, bomb))
    expect(page).toMatchObject({ status: 200, problem: 'larger than 2 MiB', document: null })
    expect(process.memoryUsage().rss - before).toBeLessThan(80 * 1024 * 1024)
  })

  test('that never ends is cut off, and its connection closed', async () => {
    const { page, sites } = await pageServed((_request, response) => {
      response.writeHead(200, html)
      const more = () => {
        while (!response.destroyed && response.write('<p>more and more</p>'.repeat(1000)));
      }
      response.on('drain', more)
      more()
    })
    expect(page).toMatchObject({ status: 200, problem: 'larger than 2 MiB' })
    await expect.poll(() => sites.open()).toBe(0)
  })

  test('of exactly the limit is read', async () => {
    const limits = { maxPageBytes: text.length }
    expect((await pageServed(text, limits)).page?.problem).toBeNull()
    expect((await pageServed(`${text} `, limits)).page?.problem).toMatch(/^larger than/)
  })
})

describe('a server', () => {
  test.each<[string, Served]>([
    ['says nothing', () => {}],
    ['goes on for ever', (_request, response) => void response.writeHead(200, html).write('<p>a')],
    [
      'sends a little now and then',
      (_request, response) => {
        response.writeHead(200, html)
        const timer = setInterval(() => response.write('a'), 20)
        response.on('close', () => clearInterval(timer))
      },
    ],
  ])('that %s is given up after the time for all', async (_what, served) => {
    const { page } = await pageServed(served, { totalMs: 3_000 })
    expect(page).toMatchObject({ problem: 'no whole answer within 3 s', document: null })
  })

  test('that breaks off is told', async () => {
    const { page } = await pageServed((request) => request.socket.destroy())
    expect(page).toMatchObject({
      status: null,
      problem: expect.stringMatching(/^the connection broke/),
    })
  })

  test('whose name is never looked up is given up after the time for connecting', async () => {
    const sites = await localSites({ [host]: {} })
    const web = webOf(sites, { lookup: () => new Promise(() => {}), limits: { connectMs: 100 } })
    await expect(crawlAll(web, { startUrl: sites.url(host) })).rejects.toThrow(
      'its name could not be looked up in time',
    )
  })

  test('that is busy is given the time that it asks for', async () => {
    let asked = 0
    const { page } = await pageServed((_request, response) => {
      asked++
      if (asked === 1) response.writeHead(503, { 'retry-after': '0' }).end()
      else if (asked === 2) response.writeHead(429).end()
      else response.writeHead(200, html).end('<title>At last</title>')
    })
    expect(page).toMatchObject({ title: 'At last', status: 200 })
  })

  test('that is busy for longer than we wait is left alone, and its pages are counted in a note', async () => {
    const sites = await localSites({
      [host]: {
        '/': links('/1', '/2', '/3'),
        '/1': answer(429, { 'retry-after': '3600' }),
        '/2': 'two',
        '/3': 'three',
      },
    })
    const { pages, notes } = await crawlAll(webOf(sites, { limits: { maxRetryAfterMs: 50 } }), {
      startUrl: sites.url(host),
    })
    expect(pages.map(({ status, problem }) => [status, problem])).toEqual([
      [200, null],
      [429, 'HTTP 429'],
    ])
    expect(notes).toEqual([
      `${host}:${sites.port} is left alone: it asks not to be visited for 3,600 s. 2 of its pages are not visited.`,
    ])
  })

  test('that fails again and again is left alone', async () => {
    const broken: Served = (request) => request.socket.destroy()
    const sites = await localSites({
      [host]: {
        '/': links('/1', '/2', '/3', '/4'),
        '/1': broken,
        '/2': broken,
        '/3': broken,
        '/4': 'never seen',
      },
    })
    const { pages, notes } = await crawlAll(webOf(sites), { startUrl: sites.url(host) })
    expect(pages).toHaveLength(4)
    expect(notes[0]).toMatch(
      /is left alone: 3 pages in a row could not be had \(the connection broke.*\)\. 1 of its pages/,
    )
  })
})

describe('what a page is', () => {
  test.each([
    ['application/pdf', 'not HTML (application/pdf)'],
    ['text/plain; charset=utf-8', 'not HTML (text/plain)'],
    ['image/svg+xml', 'not HTML (image/svg+xml)'],
  ])('%s is not read', async (type, problem) => {
    const { page } = await pageServed(answer(200, { 'content-type': type }, '<title>x</title>'))
    expect(page).toMatchObject({ status: 200, problem, document: null, title: '' })
  })

  test.each(['text/html', 'TEXT/HTML; charset=utf-8', 'application/xhtml+xml'])(
    '%s is read',
    async (type) => {
      expect(
        (await pageServed(answer(200, { 'content-type': type }, '<title>x</title>'))).page,
      ).toMatchObject({ title: 'x' })
    },
  )

  test('is seen from its beginning where nobody says it', async () => {
    expect(
      (await pageServed(answer(200, {}, '<!doctype html><title>x</title>'))).page,
    ).toMatchObject({ title: 'x' })
    expect((await pageServed(answer(200, {}, '%PDF-1.7'))).page).toMatchObject({
      problem: 'not HTML',
    })
  })
})

describe('the encoding of a page', () => {
  const utf16 = Buffer.from('\uFEFF<title>Größe</title>', 'utf16le')
  test.each<[string, string, Buffer]>([
    ['header', 'text/html; charset=iso-8859-1', Buffer.from('<title>Größe</title>', 'latin1')],
    [
      'meta element',
      'text/html',
      Buffer.from('<meta charset="windows-1252"><title>Größe</title>', 'latin1'),
    ],
    ['byte order mark, whatever the header says', 'text/html; charset=iso-8859-1', utf16],
    ['nothing, where it is UTF-8', 'text/html', Buffer.from('<title>Größe</title>')],
    ['nothing that is known', 'text/html; charset=nonsense', Buffer.from('<title>Größe</title>')],
  ])('is told by its %s', async (_what, type, body) => {
    expect((await pageServed(answer(200, { 'content-type': type }, body))).page).toMatchObject({
      title: 'Größe',
    })
  })
})
