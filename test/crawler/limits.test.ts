import { brotliCompressSync, constants, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import type { Limits } from '#crawler/limits.ts'
import { answer, crawlAll, links, localSites, type Served, webOf } from './local-sites.ts'

const host = 'a.example.com'

/** Crawls a page that is served this way. */
async function crawlPage(served: Served, limits: Partial<Limits> = {}) {
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
  ])('in %s encoding is decompressed', async (encoding, body) => {
    const { page } = await crawlPage(answer(200, { ...html, 'content-encoding': encoding }, body))
    expect(page).toMatchObject({ title: 'Packed', words: 300, problem: null })
  })

  test('with an unknown encoding or damaged data is a problem', async () => {
    const unknown = await crawlPage(answer(200, { ...html, 'content-encoding': 'zstd' }, 'x'))
    expect(unknown.page).toMatchObject({
      status: 200,
      problem: 'its encoding zstd is not supported',
      document: null,
    })
    const damaged = await crawlPage(
      answer(200, { ...html, 'content-encoding': 'gzip' }, 'this is not gzip'),
    )
    expect(damaged.page).toMatchObject({
      status: 200,
      problem: 'it can’t be decompressed',
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
  ])('that is a %s bomb is cut off during decompression', async (encoding, pack) => {
    const bomb = pack(Buffer.alloc(100 * 1024 * 1024))
    expect(bomb.length).toBeLessThan(200_000)
    const before = process.memoryUsage().rss
    const { page } = await crawlPage(answer(200, { ...html, 'content-encoding': encoding }, bomb))
    expect(page).toMatchObject({ status: 200, problem: 'larger than 2 MiB', document: null })
    expect(process.memoryUsage().rss - before).toBeLessThan(80 * 1024 * 1024)
  })

  test('that never ends is cut off and its connection closed', async () => {
    const { page, sites } = await crawlPage((_request, response) => {
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

  test('of exactly the maximum size is read', async () => {
    const limits = { maxPageBytes: text.length }
    expect((await crawlPage(text, limits)).page?.problem).toBeNull()
    expect((await crawlPage(`${text} `, limits)).page?.problem).toMatch(/^larger than/)
  })
})

describe('a server', () => {
  test.each<[string, Served]>([
    ['sends nothing', () => {}],
    ['never finishes', (_request, response) => void response.writeHead(200, html).write('<p>a')],
    [
      'sends a byte now and then',
      (_request, response) => {
        response.writeHead(200, html)
        const timer = setInterval(() => response.write('a'), 20)
        response.on('close', () => clearInterval(timer))
      },
    ],
  ])('that %s is aborted at the time limit', async (_what, served) => {
    const { page } = await crawlPage(served, { totalMs: 3_000 })
    expect(page).toMatchObject({ problem: 'no complete answer within 3 s', document: null })
  })

  test('that closes the connection is a problem', async () => {
    const { page } = await crawlPage((request) => request.socket.destroy())
    expect(page).toMatchObject({
      status: null,
      problem: expect.stringMatching(/^the connection broke/),
    })
  })

  test('whose DNS lookup never ends fails at the time limit for connecting', async () => {
    const sites = await localSites({ [host]: {} })
    const web = webOf(sites, { lookup: () => new Promise(() => {}), limits: { connectMs: 100 } })
    await expect(crawlAll(web, { startUrl: sites.url(host) })).rejects.toThrow(
      'the DNS lookup timed out',
    )
  })

  test('that is busy is retried after the pause it asks for', async () => {
    let requests = 0
    const { page } = await crawlPage((_request, response) => {
      requests++
      if (requests === 1) response.writeHead(503, { 'retry-after': '0' }).end()
      else if (requests === 2) response.writeHead(429).end()
      else response.writeHead(200, html).end('<title>At last</title>')
    })
    expect(page).toMatchObject({ title: 'At last', status: 200 })
  })

  test('that asks for too long a pause is not visited any more, and a note counts its pages', async () => {
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
      `Stopped visiting ${host}:${sites.port}: it asks for a pause of 3,600 s. Skipped 2 of its pages.`,
    ])
  })

  test('that fails three times in a row is not visited any more', async () => {
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
      /^Stopped visiting .*: 3 pages in a row failed \(the connection broke.*\)\. Skipped 1 of its pages\.$/,
    )
  })
})

describe('a content type', () => {
  test.each([
    ['application/pdf', 'not HTML (application/pdf)'],
    ['text/plain; charset=utf-8', 'not HTML (text/plain)'],
    ['image/svg+xml', 'not HTML (image/svg+xml)'],
  ])('%s is not read', async (type, problem) => {
    const { page } = await crawlPage(answer(200, { 'content-type': type }, '<title>x</title>'))
    expect(page).toMatchObject({ status: 200, problem, document: null, title: '' })
  })

  test.each(['text/html', 'TEXT/HTML; charset=utf-8', 'application/xhtml+xml'])(
    '%s is read',
    async (type) => {
      expect(
        (await crawlPage(answer(200, { 'content-type': type }, '<title>x</title>'))).page,
      ).toMatchObject({ title: 'x' })
    },
  )

  test('is guessed from the content if it is missing', async () => {
    expect(
      (await crawlPage(answer(200, {}, '<!doctype html><title>x</title>'))).page,
    ).toMatchObject({ title: 'x' })
    expect((await crawlPage(answer(200, {}, '%PDF-1.7'))).page).toMatchObject({
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
    ['byte order mark, despite the header', 'text/html; charset=iso-8859-1', utf16],
    ['nothing, as it is valid UTF-8', 'text/html', Buffer.from('<title>Größe</title>')],
    [
      'nothing, as the header is invalid',
      'text/html; charset=nonsense',
      Buffer.from('<title>Größe</title>'),
    ],
  ])('follows from: %s', async (_what, type, body) => {
    expect((await crawlPage(answer(200, { 'content-type': type }, body))).page).toMatchObject({
      title: 'Größe',
    })
  })
})
