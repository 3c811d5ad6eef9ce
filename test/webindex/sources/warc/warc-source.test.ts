import { createWriteStream, mkdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough, Readable, type Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { brotliCompressSync, createGzip, deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { abortDuring, processorTime } from '#test/processor-time.ts'
import { temporaryFolder } from '#test/webindex/index-fixture.ts'
import { BadSource } from '#webindex/sources/files/bad-source.ts'
import { warcSource } from '#webindex/sources/warc/warc-source.ts'
import {
  bytesOf,
  date,
  fileWith,
  gz,
  http,
  pageRecord,
  readAll,
  record,
  response,
} from './warc-fixture.ts'

const url = 'https://a.example.com/docs/page'
const read = async (path: string) => readAll(await warcSource({ path }))
const readOne = async (block: Buffer, fields = {}) =>
  read(fileWith('one.warc', response(url, block, fields)))
const urls = (result: { pages: { url: string }[] }) => result.pages.map((page) => page.url)

const html = `<title>A page</title><h1>Hello there</h1>
  <p>Three more words <a href="other.html">near</a> <a rel="ugc" href="https://b.example.org/x">far away</a> <a href="#top">top</a>
  <a href="mailto:me@example.org">mail</a> <a href="//c.example.net/"><img alt="a picture"></a></p>`
const page = {
  url,
  title: 'A page',
  words: 2 + 3 + 1 + 2 + 1 + 1,
  text: 'Hello there\nThree more words near far away top mail',
  seenAt: new Date(date),
  source: 'warc:one.warc',
  links: [
    {
      href: 'https://a.example.com/docs/other.html',
      anchor: 'near',
      nofollow: false,
      kind: 'text',
    },
    { href: 'https://b.example.org/x', anchor: 'far away', nofollow: true, kind: 'text' },
    { href: 'https://c.example.net/', anchor: 'a picture', nofollow: false, kind: 'image' },
  ],
}

test('a response becomes a page with title, words, text, date and absolute links', async () => {
  const path = fileWith('one.warc', response(url, http(html)))
  const source = await warcSource({ path })
  expect(source).toMatchObject({ name: 'warc:one.warc', kind: 'warc', bytes: statSync(path).size })
  const result = await readAll(source)
  expect(result).toMatchObject({ pages: [page], bad: [], remarks: [] })
  expect(result.progress.at(-1)).toBe(statSync(path).size)
})

const three = [1, 2, 3].map((n) => pageRecord(`https://a.example.com/${n}`))
const whole = Buffer.concat(three)
test.each([
  ['plain', whole],
  ['a member per record', Buffer.concat(three.map(gz))],
  ['one member', gz(whole)],
  [
    'members that do not end with records',
    Buffer.concat([
      gz(whole.subarray(0, 150)),
      gz(whole.subarray(150, 900)),
      gz(whole.subarray(900)),
    ]),
  ],
  [
    'members with names, comments and more in their headers',
    Buffer.concat(three.map(withFullHeader)),
  ],
  [
    'bare line feeds',
    Buffer.from(
      whole
        .toString()
        .replaceAll('\r\n', '\n')
        .replace(/Content-Length: (\d+)/g, (_, n) => `Content-Length: ${n - 2}`),
    ),
  ],
])('three records are read from a file that is %s', async (_, bytes) => {
  const result = await read(fileWith('x.warc.gz', bytes))
  expect(result).toMatchObject({ bad: [], remarks: [] })
  expect(result.pages.map(({ url, words, links }) => [url, words, links[0]?.href])).toEqual(
    [1, 2, 3].map((n) => [`https://a.example.com/${n}`, 3, 'https://a.example.com/next']),
  )
})

function withFullHeader(bytes: Buffer): Buffer {
  const header = Buffer.from([0x1f, 0x8b, 8, 2 | 4 | 8 | 16, 0, 0, 0, 0, 0, 3, 3, 0, 1, 2, 3])
  return Buffer.concat([
    header,
    Buffer.from('name\0comment\0'),
    Buffer.from([0, 0]),
    gz(bytes).subarray(10),
  ])
}

test('WARC 1.1, the angle brackets of WARC 1.0, and folded fields are read', async () => {
  const fields = {
    'warc-type': 'response',
    'WARC-Date': '2026-03-04T05:06:07.123456Z',
    Note: 'a\r\n  b',
  }
  const result = await read(
    fileWith(
      'x.warc',
      record({ ...fields, 'WARC-Target-URI': `<${url}#part>` }, http(html), '1.1'),
    ),
  )
  expect(result).toMatchObject({
    bad: [],
    pages: [{ url, seenAt: new Date('2026-03-04T05:06:07.123Z') }],
  })
})

test('relative links resolve against the base element of the page', async () => {
  const { pages } = await readOne(http('<base href="/other/"><a href="x">x</a><a href="?q">q</a>'))
  expect(pages[0]?.links.map((link) => link.href)).toEqual([
    'https://a.example.com/other/x',
    'https://a.example.com/other/?q',
  ])
})

const chunked = (body: Buffer) =>
  bytesOf(
    `${(7).toString(16)}\r\n`,
    body.subarray(0, 7),
    `\r\n${(body.length - 7).toString(16).toUpperCase()};x=y\r\n`,
    body.subarray(7),
    '\r\n0\r\n\r\n',
  )
const plainBody = Buffer.from(html)
test.each([
  ['chunked', { 'Transfer-Encoding': 'chunked' }, chunked(plainBody)],
  ['gzip', { 'Content-Encoding': 'gzip' }, gzipSync(plainBody)],
  ['deflate', { 'content-encoding': 'deflate' }, deflateSync(plainBody)],
  ['deflate without its header', { 'Content-Encoding': 'deflate' }, deflateRawSync(plainBody)],
  ['br', { 'Content-Encoding': 'br' }, brotliCompressSync(plainBody)],
  [
    'gzip in chunks',
    { 'Transfer-Encoding': 'chunked', 'Content-Encoding': 'x-gzip' },
    chunked(gzipSync(plainBody)),
  ],
  ['br in gzip', { 'Content-Encoding': 'br, gzip' }, gzipSync(brotliCompressSync(plainBody))],
  ['declared as gzip but plain', { 'Content-Encoding': 'gzip' }, plainBody],
  ['declared as br but plain', { 'Content-Encoding': 'br' }, plainBody],
  ['declared as chunked but plain', { 'Transfer-Encoding': 'chunked' }, plainBody],
  [
    'as Common Crawl stores it',
    { 'X-Crawl-Content-Encoding': 'gzip', 'X-Crawl-Transfer-Encoding': 'chunked' },
    plainBody,
  ],
])('a body that is %s is decoded', async (_, headers, body) => {
  expect(await readOne(http(body, headers))).toMatchObject({ pages: [page], bad: [], remarks: [] })
})

test('a compressed body that is cut off is read up to the cut', async () => {
  const random = Array.from({ length: 400 }, (_, n) => `<p>${(n * 7919).toString(36)}`).join('')
  const packed = gzipSync(`<title>Cut</title>${random}`)
  const { pages, bad } = await readOne(
    http(packed.subarray(0, packed.length / 2), { 'Content-Encoding': 'gzip' }),
    {
      'WARC-Truncated': 'length',
    },
  )
  expect(bad).toEqual([])
  expect(pages[0]).toMatchObject({ title: 'Cut' })
  expect(pages[0]?.words).toBeGreaterThan(100)
  expect(pages[0]?.words).toBeLessThan(400)
})

test.each([
  [
    'windows-1252 by header',
    'text/html; charset=windows-1252',
    Buffer.from('<title>\x80 \x93caf\xe9\x94</title>', 'latin1'),
    '€ “café”',
  ],
  [
    'windows-1252 because it is not UTF-8',
    'text/html',
    Buffer.from('<title>caf\xe9</title>', 'latin1'),
    'café',
  ],
  ['undeclared UTF-8', 'text/html', Buffer.from('<title>café</title>'), 'café'],
  [
    'Shift_JIS by meta',
    'text/html',
    bytesOf('<meta charset="Shift_JIS"><title>', Buffer.from([0x93, 0xfa, 0x96, 0x7b]), '</title>'),
    '日本',
  ],
  [
    'the byte order mark rather than the header',
    'text/html; charset=iso-8859-1',
    bytesOf('\ufeff', '<title>é</title>'),
    'é',
  ],
  [
    'UTF-16 by its byte order mark',
    'text/html',
    Buffer.from('\ufeff<title>日本 é</title>', 'utf16le'),
    '日本 é',
  ],
  [
    'the header rather than the meta element',
    'TEXT/HTML;charset="utf-8"',
    Buffer.from('<meta charset=windows-1252><title>é</title>'),
    'é',
  ],
  [
    'XHTML by its declaration',
    'application/xhtml+xml',
    Buffer.from(
      '<?xml version="1.0" encoding="ISO-8859-1"?><html><title>\xe9</title></html>',
      'latin1',
    ),
    'é',
  ],
])('text is decoded: %s', async (_, type, body, title) => {
  expect((await readOne(http(body, { 'Content-Type': type }))).pages[0]?.title).toBe(title)
})

test('records without a page are skipped and counted by reason', async () => {
  const ok = http(html)
  const result = await read(
    fileWith(
      'x.warc',
      record(
        { 'WARC-Type': 'warcinfo', 'Content-Type': 'application/warc-fields' },
        'software: x\r\n',
      ),
      record({ 'WARC-Type': 'request', 'WARC-Target-URI': url }, 'GET / HTTP/1.1\r\n\r\n'),
      record({ 'WARC-Type': 'revisit', 'WARC-Target-URI': url }, http('')),
      record({ 'WARC-Type': 'strange', 'WARC-Target-URI': url }, ''),
      response(url, http('', { Location: '/x' }, '301 Moved Permanently')),
      response(url, http('', { Location: '/x' }, '301 Moved Permanently')),
      response(url, http('{}', { 'Content-Type': 'application/json' })),
      response(url, http('<meta name="robots" content="noindex">')),
      response(url, http(html, { 'X-Robots-Tag': 'none' })),
      response('dns:a.example.com', '20260304 a.example.com A 192.0.2.1', {
        'Content-Type': 'text/dns',
      }),
      response('http://192.0.2.1/', ok),
      response(url, ok),
    ),
  )
  expect(urls(result)).toEqual([url])
  expect(result.bad).toEqual([])
  expect(result.remarks).toEqual([
    '11 records hold no page: 2 with HTTP status 301, 2 marked noindex, 1 of type warcinfo, 1 of type request, 1 of type revisit, 1 of an unknown type, 1 not HTML, 1 not fetched by HTTP, 1 not on the public web.',
  ])
})

test('X-Robots-Tag: nofollow applies to all links, unless it addresses one crawler', async () => {
  const follow = async (tag: string) =>
    (await readOne(http(html, { 'X-Robots-Tag': tag }))).pages[0]?.links.map(
      (link) => link.nofollow,
    )
  expect(await follow('nofollow')).toEqual([true, true, true])
  expect(await follow('somebot: noindex')).toEqual([false, true, false])
})

test('a resource record is a page of its own content type; a WET record is a text without title and links', async () => {
  const result = await read(
    fileWith(
      'x.warc.wet',
      record(
        {
          'WARC-Type': 'resource',
          'WARC-Target-URI': 'https://a.example.com/r',
          'Content-Type': 'text/html',
        },
        '<title>R</title>a b',
      ),
      record(
        {
          'WARC-Type': 'conversion',
          'WARC-Target-URI': 'https://a.example.com/c',
          'Content-Type': 'text/plain',
        },
        'Grüße aus\nder Stadt\n',
      ),
    ),
  )
  expect(result.pages).toMatchObject([
    { url: 'https://a.example.com/r', title: 'R', words: 2, text: 'a b' },
    {
      url: 'https://a.example.com/c',
      title: '',
      words: 4,
      text: 'Grüße aus\nder Stadt',
      links: [],
    },
  ])
})

const [first, second, last] = ['1', '2', '3'].map((n) =>
  pageRecord(`https://a.example.com/${n}`),
) as [Buffer, Buffer, Buffer]
const firstAndLast = ['https://a.example.com/1', 'https://a.example.com/3']
const without = (name: string) =>
  Buffer.from(second.toString().replace(new RegExp(`${name}: .*\r\n`), ''))
const withLength = (length: string) =>
  Buffer.from(second.toString().replace(/(WARC[\s\S]*?Content-Length: )\d+/, `$1${length}`))
test.each([
  ['its Content-Length is too short', withLength('40'), /Content-Length is wrong/],
  ['its Content-Length is too long', withLength('150'), /Content-Length is wrong/],
  [
    'its Content-Length is beyond the end',
    withLength('99999'),
    /Content-Length is wrong|file ends before/,
  ],
  [
    'its Content-Length is beyond what is kept',
    withLength('99999999999'),
    /Content-Length is wrong|file ends before/,
  ],
  ['its Content-Length is not a number', withLength('-1'), /Content-Length is not a number/],
  ['it has no Content-Length', without('Content-Length'), /no Content-Length/],
  ['it has no WARC-Target-URI', without('WARC-Target-URI'), /no WARC-Target-URI/],
  ['it has no WARC-Type', without('WARC-Type'), /no WARC-Type/],
  [
    'a line is not a field',
    Buffer.from(second.toString().replace(`WARC-Date: ${date}`, 'WARC-Date')),
    /line that is not a field/,
  ],
  [
    'its version is invalid',
    Buffer.from(second.toString().replace('WARC/1.0', 'WARC/one')),
    /version/,
  ],
  [
    'it is something else',
    Buffer.from('<p>Some page that lost its record\nand goes on\n'),
    /not a WARC record/,
  ],
  [
    'it holds no HTTP response',
    response('https://a.example.com/2', 'SMTP 200 OK\r\n\r\n'),
    /no HTTP response/,
  ],
  [
    'its header is too long',
    bytesOf('WARC/1.0\r\n', 'X: y\r\n'.repeat(20_000)),
    /64 KiB|does not end|file ends|not a WARC record/,
  ],
])('a record is bad and the next one is read when %s', async (_, broken, reason) => {
  for (const [packed, start] of [
    [bytesOf(first, broken, last), first.length],
    [bytesOf(gz(first), gz(broken), gz(last)), gz(first).length],
  ] as const) {
    const result = await read(fileWith('x.warc', packed))
    expect(urls(result)).toEqual(firstAndLast)
    expect(result.bad).toEqual([
      {
        place: `x.warc, record at byte ${start.toLocaleString('en')}`,
        reason: expect.stringMatching(reason),
      },
    ])
  }
})

test.each([
  ['its member is cut off', gz(second).subarray(0, 100), /damaged|cut off|checksum/],
  ['a byte of its member was changed', changed(gz(second), 80), /damaged|checksum/],
  ['its checksum does not match', changed(gz(second), gz(second).length - 6), /checksum/],
  [
    'it is not a gzip member',
    Buffer.from('something else that is not packed at all'),
    /no gzip member/,
  ],
  [
    'it is a zip bomb',
    gz(response(url, http(Buffer.alloc(20_000_000, ' ')))),
    /more than 100 times/,
  ],
])('a member is bad and the next one is read when %s', async (_, broken, reason) => {
  const result = await read(fileWith('x.warc.gz', gz(first), broken, gz(last)))
  expect(urls(result)).toEqual(firstAndLast)
  expect(result.bad).toEqual([
    {
      place: `x.warc.gz, record at byte ${gz(first).length}`,
      reason: expect.stringMatching(reason),
    },
  ])
})

function changed(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[at] = (copy[at] ?? 0) ^ 0xff
  return copy
}

test('the last record is bad when the file ends within it, compressed or not', async () => {
  const cut = (bytes: Buffer) => bytes.subarray(0, bytes.length - 30)
  const other = pageRecord(
    'https://a.example.com/2',
    'Nothing that packs well: 0q8hf7 20cm4x 9gk3zz 71bvq2 w8e5rt',
  )
  for (const bytes of [
    bytesOf(first, cut(other)),
    bytesOf(gz(first), cut(gz(other))),
    cut(gz(bytesOf(first, other))),
  ]) {
    const result = await read(fileWith('x.warc', bytes))
    expect(urls(result)).toEqual(['https://a.example.com/1'])
    expect(result.bad).toEqual([
      {
        place: expect.stringContaining('record at byte'),
        reason: expect.stringMatching(/file ends|cut off/),
      },
    ])
  }
})

test('records before the damage in a long member are read', async () => {
  const many = Buffer.concat(
    Array.from({ length: 2_000 }, (_, n) =>
      pageRecord(`https://a.example.com/${n}`, `${(n * 7919) % 104729} ${n * n}`),
    ),
  )
  const packed = gz(many)
  const half = packed.subarray(0, packed.length / 2)
  const result = await read(fileWith('x.warc.gz', half))
  expect(result.bad).toEqual([
    {
      place: expect.stringMatching(/^x\.warc\.gz, record at byte [\d,]+ of the unpacked content$/),
      reason: 'its gzip member is cut off',
    },
  ])
  expect(urls(result)).toEqual(result.pages.map((_, n) => `https://a.example.com/${n}`))
  expect(result.pages.length).toBeGreaterThan(900)

  // The next member is found, whatever the damaged rest looks like.
  const followed = await read(fileWith('x.warc.gz', half, gz(last)))
  expect(urls(followed).slice(0, 900)).toEqual(urls(result).slice(0, 900))
  expect(urls(followed).at(-1)).toBe('https://a.example.com/3')
  expect(followed.bad.length).toBeGreaterThan(0)
})

test('a wrong length within a member loses only that record', async () => {
  for (const length of ['40', '150', '99999']) {
    const result = await read(fileWith('x.warc.gz', gz(bytesOf(first, withLength(length), last))))
    expect(urls(result)).toEqual(firstAndLast)
    expect(result.bad).toMatchObject([
      { place: `x.warc.gz, record at byte ${first.length} of the unpacked content` },
    ])
  }
})

test('only 8 MiB of a record and 2 MiB of a page are read, and then the next record', async () => {
  const noise = (length: number) =>
    Buffer.from(
      Array.from(
        { length: length / 8 },
        (_, n) => `${((n * 2654435761) % 0xfffffff).toString(16).padStart(7, '0')} `,
      ).join(''),
    )
  const long = response(url, http(bytesOf('<title>Long</title><p>', noise(9 * 1024 * 1024))))
  const wordsIn = (2 * 1024 * 1024 - '<title>Long</title><p>'.length) / 8
  for (const bytes of [
    bytesOf(first, long, last),
    bytesOf(gz(first), gz(long), gz(last)),
    gz(bytesOf(first, long, last)),
  ]) {
    const result = await read(fileWith('x.warc', bytes))
    expect(result.bad).toEqual([])
    expect(urls(result)).toEqual(['https://a.example.com/1', url, 'https://a.example.com/3'])
    expect(Math.abs((result.pages[1]?.words ?? 0) - wordsIn)).toBeLessThan(2)
  }
})

test('a zip bomb as a body is cut at the page limit', async () => {
  const { pages, bad } = await readOne(
    http(gzipSync(Buffer.alloc(200_000_000, 'ab ')), { 'Content-Encoding': 'gzip' }),
  )
  expect(bad).toEqual([])
  expect(pages[0]?.words).toBe(Math.ceil((2 * 1024 * 1024) / 3))
})

test('deeply nested tags do not crash the reader', async () => {
  const { pages } = await readOne(
    http(`<title>Deep</title><p>one two <a href="/x">x</a>${'<i>'.repeat(600_000)}`),
  )
  expect(pages).toMatchObject([{ title: 'Deep', words: 3, links: [{ anchor: 'x' }] }])
})

test('a file that is not a WARC file is bad once', async () => {
  const reading = async (name: string, content: Buffer) => (await read(fileWith(name, content))).bad
  expect(await reading('a.warc', Buffer.from('{"not": "a WARC"}\n'.repeat(100_000)))).toEqual([
    { place: 'a.warc, record at byte 0', reason: 'this is not a WARC record' },
  ])
  expect(await reading('a.warc.gz', gz(Buffer.from('<p>Nothing')))).toMatchObject([
    { place: 'a.warc.gz, record at byte 0' },
  ])
  expect(await reading('a.warc.zst', Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0]))).toMatchObject([
    { reason: expect.stringContaining('zstd') },
  ])
  expect(await reading('empty.warc', Buffer.alloc(0))).toEqual([
    { place: 'empty.warc', reason: 'it is empty' },
  ])
})

test('a folder is read with its subfolders, sorted by name, without symbolic links', async () => {
  const outside = fileWith('outside.warc', pageRecord('https://outside.example.com/'))
  const folder = temporaryFolder()
  mkdirSync(join(folder, 'b/c'), { recursive: true })
  for (const [path, n] of [
    ['z.warc', 3],
    ['b/y.warc.gz', 1],
    ['b/c/x.warc.wet.gz', 2],
    ['b/no.warc.wat.gz', 4],
    ['b/no.txt', 5],
  ] as const)
    writeFileSync(
      join(folder, path),
      path.endsWith('gz')
        ? gz(pageRecord(`https://a.example.com/${n}`))
        : pageRecord(`https://a.example.com/${n}`),
    )
  symlinkSync(outside, join(folder, 'linked.warc'))
  symlinkSync(join(outside, '..'), join(folder, 'linked'))
  const source = await warcSource({ path: folder, name: 'own-name' })
  expect(source.name).toBe('own-name')
  const result = await readAll(source)
  expect(urls(result)).toEqual([2, 1, 3].map((n) => `https://a.example.com/${n}`))
  expect(result.pages[0]?.source).toBe('own-name')
  expect(result.progress.at(-1)).toBe(source.bytes)
  expect(result.progress).toEqual([...result.progress].sort((a, b) => a - b))
  await expect(warcSource({ path: join(folder, 'linked.warc') })).rejects.toThrow(
    'Symbolic links are not followed',
  )
})

test('a missing file and a folder without WARC files are refused', async () => {
  const folder = temporaryFolder()
  await expect(warcSource({ path: join(folder, 'gone.warc') })).rejects.toThrow(
    new BadSource('gone.warc does not exist.'),
  )
  await expect(warcSource({ path: folder })).rejects.toThrow(/contains no WARC files/)
})

test('an unreadable file is bad, and the next one is read', async () => {
  const folder = temporaryFolder()
  for (const n of [1, 2])
    writeFileSync(join(folder, `${n}.warc`), pageRecord(`https://a.example.com/${n}`))
  const source = await warcSource({ path: folder })
  rmSync(join(folder, '1.warc'))
  const result = await readAll(source)
  expect(result).toMatchObject({
    pages: [{ url: 'https://a.example.com/2' }],
    bad: [{ place: '1.warc', reason: "it can't be read (ENOENT)" }],
  })
})

test('an abort stops even within a long page or member', async () => {
  const long = response(url, http('<p><a href=x>a'.repeat(150_000)))
  const spent = processorTime()
  await readAll(await warcSource({ path: fileWith('one.warc', long) }))
  const pageMs = spent()
  for (const bytes of [
    Buffer.concat(Array(40).fill(gz(long))),
    gz(Buffer.concat(Array(40).fill(long))),
    Buffer.concat(Array(20).fill(long)),
  ]) {
    const source = await warcSource({ path: fileWith('x.warc', bytes) })
    // A garbage collection may fall into one attempt, but not into all of them.
    let leastSpentMs = Number.POSITIVE_INFINITY
    for (let attempt = 0; attempt < 5 && leastSpentMs >= pageMs / 2; attempt++) {
      const aborted = await abortDuring((signal) => readAll(source, signal), pageMs / 4)
      expect(String(aborted?.error)).toMatch(/abort/i)
      leastSpentMs = Math.min(leastSpentMs, aborted?.spentMs ?? leastSpentMs)
    }
    expect(leastSpentMs).toBeLessThan(pageMs / 2)
  }
})

test('stopping early closes the file', async () => {
  const source = await warcSource({ path: fileWith('x.warc.gz', gz(first), gz(last)) })
  for await (const item of source.items({
    signal: new AbortController().signal,
    onProgress() {},
  })) {
    expect(item).toHaveProperty('page')
    break
  }
})

test('a file ten times as long needs no more memory, compressed by record or as a whole', async () => {
  const noise = Array.from({ length: 12_500 }, (_, n) =>
    ((n * 2654435761) % 0xfffffff).toString(16),
  ).join(' ')
  const data = response(url, http(noise, { 'Content-Type': 'text/csv' }))
  const plain = Buffer.concat([...Array(9).fill(data), pageRecord(url)])
  const byRecord = Buffer.concat([...Array(9).fill(gz(data)), gz(pageRecord(url))])

  /** @returns the number of pages, and the peak memory of the process in bytes. */
  async function readLong(batch: Buffer, pack: Transform, batches: number) {
    const path = fileWith('x.warc.gz')
    await pipeline(Readable.from(Array(batches).fill(batch)), pack, createWriteStream(path))
    let peak = 0
    let pages = 0
    const onProgress = () => {
      peak = Math.max(peak, process.memoryUsage.rss())
    }
    const { items } = await warcSource({ path })
    for await (const item of items({ signal: new AbortController().signal, onProgress }))
      if ('page' in item) pages++
    return { pages, peak }
  }

  const batches = Math.ceil(8_000_000 / plain.length)
  for (const read of [
    (times: number) => readLong(byRecord, new PassThrough(), batches * times),
    (times: number) => readLong(plain, createGzip({ level: 1 }), batches * times),
  ]) {
    const short = await read(1)
    const long = await read(10)
    expect([short.pages, long.pages]).toEqual([batches, 10 * batches])
    expect((long.peak - short.peak) / 1e6).toBeLessThan(40)
  }
})
