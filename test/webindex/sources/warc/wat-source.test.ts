import { expect, test } from 'vitest'
import { watSource } from '#webindex/sources/warc/wat-source.ts'
import { date, fileWith, gz, readAll, record, response } from './warc-fixture.ts'

const url = 'https://a.example.com/docs/page'
const read = async (...records: Buffer[]) =>
  readAll(await watSource({ path: fileWith('x.warc.wat.gz', ...records.map(gz)) }))

/** One WAT record as Common Crawl writes it. */
function wat(
  html: unknown,
  { uri = url as unknown, type = 'response', status = '200' as unknown, headers = {} } = {},
): Buffer {
  const envelope = {
    Format: 'WARC',
    'WARC-Header-Metadata': {
      'WARC-Type': type,
      'WARC-Date': '2026-02-03T04:05:06Z',
      'WARC-Target-URI': uri,
    },
    'Payload-Metadata': {
      'Actual-Content-Type': 'application/http; msgtype=response',
      'HTTP-Response-Metadata': {
        'Response-Message': { Status: status, Version: 'HTTP/1.1', Reason: 'OK' },
        Headers: headers,
        ...(html === undefined ? {} : { 'HTML-Metadata': html }),
      },
    },
  }
  return watRecord(JSON.stringify({ Container: { Filename: 'x.warc.gz' }, Envelope: envelope }))
}

function watRecord(json: string): Buffer {
  return record(
    { 'WARC-Type': 'metadata', 'WARC-Target-URI': url, 'Content-Type': 'application/json' },
    json,
  )
}

test('a page has title, date and the links in its text, but neither text nor words', async () => {
  const { pages, bad, remarks } = await read(
    record({ 'WARC-Type': 'warcinfo' }, 'software: x\r\n'),
    wat({
      Head: {
        Title: ' A \n page ',
        Metas: [{ name: 'description', content: 'x' }],
        Link: [{ path: 'LINK@/href', url: '/style.css' }],
      },
      Links: [
        { path: 'A@/href', url: 'other.html', text: 'near\n it' },
        {
          path: 'A@/href',
          url: 'https://b.example.org/x?a=1',
          text: 'far',
          rel: 'noopener nofollow',
        },
        { path: 'A@/href', url: '//c.example.net/', alt: 'a picture' },
        { path: 'A@/href', url: '/empty' },
        { path: 'A@/href', url: 'mailto:me@example.org', text: 'mail' },
        { path: 'A@/href', url: '#top', text: 'top' },
        { path: 'A@/href', text: 'leads nowhere' },
        { path: 'IMG@/src', url: '/a.png', alt: 'a' },
        { path: 'FORM@/action', url: '/search' },
        { path: 'SCRIPT@/src', url: '/a.js' },
      ],
    }),
  )
  expect(bad).toEqual([])
  expect(remarks).toEqual(['1 record holds no page: 1 of type warcinfo.'])
  expect(pages).toEqual([
    {
      url,
      title: 'A page',
      words: 0,
      text: '',
      seenAt: new Date('2026-02-03T04:05:06Z'),
      source: 'wat:x.warc.wat.gz',
      links: [
        {
          href: 'https://a.example.com/docs/other.html',
          anchor: 'near it',
          nofollow: false,
          kind: 'text',
        },
        { href: 'https://b.example.org/x?a=1', anchor: 'far', nofollow: true, kind: 'text' },
        { href: 'https://c.example.net/', anchor: 'a picture', nofollow: false, kind: 'image' },
        { href: 'https://a.example.com/empty', anchor: '', nofollow: false, kind: 'text' },
      ],
    },
  ])
})

test('the base and the robots of the page are respected', async () => {
  const Links = [{ path: 'A@/href', url: 'x', text: 'x' }]
  const { pages, remarks } = await read(
    wat({
      Head: { Base: 'https://d.example.com/e/', Metas: [{ name: 'Robots', content: 'nofollow' }] },
      Links,
    }),
    wat({ Head: { Metas: [{ name: 'robots', content: 'noindex' }] }, Links }),
  )
  expect(pages.map((page) => page.links)).toEqual([
    [{ href: 'https://d.example.com/e/x', anchor: 'x', nofollow: true, kind: 'text' }],
  ])
  expect(remarks).toEqual(['1 record holds no page: 1 marked noindex.'])
})

test('missing and malformed fields count as empty', async () => {
  const htmls = [
    {},
    { Head: null, Links: null },
    { Head: 'x', Links: 'x' },
    { Head: { Title: 5, Metas: [null, 7, { name: 'robots' }] }, Links: [null, 3, {}] },
  ]
  const { pages, bad } = await read(...htmls.map((html) => wat(html)))
  expect(bad).toEqual([])
  expect(pages.map(({ title, links }) => [title, links])).toEqual(htmls.map(() => ['', []]))
})

test('records without a page are counted by reason', async () => {
  const result = await read(
    wat({}, { type: 'request' }),
    wat({}, { type: 'metadata' }),
    wat({}, { status: '404' }),
    wat({}, { status: 301 }),
    wat(undefined),
    wat({}, { uri: 'http://192.0.2.1/' }),
    response(url, 'HTTP/1.1 200 OK\r\n\r\n'),
    wat({}, { status: undefined }),
  )
  expect(result.pages.map((page) => page.url)).toEqual([url])
  expect(result.bad).toEqual([])
  expect(result.remarks).toEqual([
    '7 records hold no page: 1 about records of type request, 1 about records of type metadata, 1 with HTTP status 404, 1 with HTTP status 301, 1 not HTML, 1 not on the public web, 1 of type response.',
  ])
})

test('a record with JSON that is broken, malformed, too long or without an address is bad; the next one is read', async () => {
  const broken = [
    watRecord('{"Envelope": {'),
    watRecord('[1, 2]'),
    wat({}, { uri: null }),
    watRecord(`"${'x'.repeat(5_000_000)}"`),
  ]
  const { pages, bad } = await read(...broken, wat({}))
  expect(pages).toMatchObject([{ url }])
  let at = 0
  const places = broken.map((bytes) => {
    const place = `x.warc.wat.gz, record at byte ${at.toLocaleString('en')}`
    at += gz(bytes).length
    return place
  })
  expect(bad.map(({ place }) => place)).toEqual(places)
  expect(bad.map(({ reason }) => reason)).toEqual([
    'it does not contain WAT metadata',
    'it does not contain WAT metadata',
    'it has no WARC-Target-URI',
    'its JSON is longer than 4 MiB',
  ])
})

test('a record without a date has the date of the WAT record', async () => {
  const undated = {
    'WARC-Header-Metadata': { 'WARC-Type': 'response', 'WARC-Target-URI': url },
    'Payload-Metadata': { 'HTTP-Response-Metadata': { 'HTML-Metadata': {} } },
  }
  const { pages } = await read(watRecord(JSON.stringify({ Envelope: undated })))
  expect(pages[0]?.seenAt).toEqual(new Date(date))
})
