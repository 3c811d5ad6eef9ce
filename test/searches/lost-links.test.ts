import { expect, test } from 'vitest'
import { NoNetwork } from '#crawler/errors.ts'
import type { Web } from '#crawler/web.ts'
import { SearchFailed } from '#jobs/errors.ts'
import { JobInput } from '#jobs/job.ts'
import { lostLinks } from '#searches/lost-links.ts'
import type { EarlierSearch, SearchTools } from '#searches/search-tools.ts'
import {
  answer,
  type LocalSites,
  localSites,
  redirect,
  robots,
  webOf,
} from '#test/crawler/local-sites.ts'
import { drive } from './drive.ts'
import { toolsWith } from './tools-fixture.ts'

async function check(tools: Partial<SearchTools>, input: Record<string, unknown>) {
  const [rows, notes, steps]: [Record<string, unknown>[], string[], unknown[]] = [[], [], []]
  const context = {
    ...toolsWith(tools),
    signal: new AbortController().signal,
    progress: (step: unknown) => void steps.push(step),
    note: (text: string) => void notes.push(text),
    update: () => {},
  }
  for await (const row of drive(lostLinks.run(lostLinks.input.parse(input), context)))
    rows.push(row)
  return { rows, notes, steps }
}

const link = (attributes = '', text = 'Target') =>
  `<p>See <a href="https://target.com/docs" ${attributes}>${text}</a>`

function sitesToVisit(): Promise<LocalSites> {
  return localSites({
    'a.com': {
      '/robots.txt': robots('User-agent: *', 'Disallow: /closed'),
      '/live': link('', 'The <b>target</b>'),
      '/nofollow': link('rel="sponsored"'),
      '/lost': '<p>Nothing <a href="https://target.com.evil.com/docs">here</a>',
      '/moved': redirect('/live'),
      '/away': redirect('/lost'),
      '/gone': answer(410),
      '/broken': answer(503),
      '/closed': link(),
      '/image': '<a href="https://www.target.com/docs/"><img src="x" alt="A logo"></a>',
    },
  })
}

test('each link has its state now, and what says so', async () => {
  const sites = await sitesToVisit()
  const paths = [
    '/live',
    '/nofollow',
    '/lost',
    '/moved',
    '/away',
    '/gone',
    '/broken',
    '/closed',
    '/image',
  ]
  const { rows, notes, steps } = await check(
    { web: webOf(sites) },
    { links: paths.map((path) => sites.url('a.com', path)).join('\n'), domain: 'target.com' },
  )
  const found = Object.fromEntries(
    rows.map(({ page, state, http_status, moved_to, anchor }) => [
      new URL(String(page)).pathname,
      [state, http_status, moved_to && new URL(String(moved_to)).pathname, anchor],
    ]),
  )
  expect(found).toEqual({
    '/live': ['live', 200, null, 'The target'],
    '/nofollow': ['live_nofollow', 200, null, 'Target'],
    '/lost': ['lost', 200, null, null],
    '/moved': ['live', 200, '/live', 'The target'],
    '/away': ['redirected', 200, '/lost', null],
    '/gone': ['gone', 410, null, null],
    '/broken': ['http_error', 503, null, null],
    '/closed': ['robots', null, null, null],
    '/image': ['live', 200, null, 'A logo'],
  })
  expect(rows.every(({ target }) => target === 'target.com')).toBe(true)
  expect(rows.find(({ state }) => state === 'gone')?.problem).toBe('HTTP 410')
  expect(notes).toEqual([
    expect.stringMatching(/^Visited 9 links: 3 live, 1 .*1 lost by a redirect.*\.$/),
  ])
  expect(steps.at(-1)).toEqual({ phase: 'Visiting pages', done: 9, total: 9, unit: 'links' })
})

test('a line may say where its link leads; an address with a path means that page', async () => {
  const sites = await sitesToVisit()
  const page = sites.url('a.com', '/live')
  const { rows } = await check(
    { web: webOf(sites) },
    {
      links: [
        `${page} https://target.com/docs`,
        `${page}\ttarget.com`,
        `${page} target.com/other`,
        `${page} other.org`,
      ].join('\n'),
    },
  )
  expect(Object.fromEntries(rows.map(({ target, state }) => [target, state]))).toEqual({
    'target.com/docs': 'live',
    'target.com': 'live',
    'target.com/other': 'lost',
    'other.org': 'lost',
  })
})

test('unreadable and repeated lines are noted', async () => {
  const sites = await sitesToVisit()
  const { rows, notes } = await check(
    { web: webOf(sites) },
    {
      links: [
        `${sites.url('a.com', '/live')} target.com`,
        `${sites.url('a.com', '/live#part')} target.com`,
        'localhost target.com',
        'a.com b.com c.com',
        'a.com',
        'a.com 10.0.0.1',
      ].join('\n'),
    },
  )
  expect(rows).toHaveLength(1)
  expect(notes.slice(0, -1)).toEqual([
    'Merged 1 line that repeats an earlier link.',
    'Skipped 1 line that has no page of the public web: “localhost target.com”.',
    'Skipped 1 line that has more than two addresses: “a.com b.com c.com”.',
    'Skipped 1 line that has no target, and no domain is given: “a.com”.',
    'Skipped 1 line that has a target that is not on the public web: “a.com 10.0.0.1”.',
  ])
})

test('the sample pages of an earlier search can be checked', async () => {
  const sites = await sitesToVisit()
  const earlier = (search: string, input: Record<string, unknown>): EarlierSearch => ({
    search,
    input: JobInput.parse(input),
    rows: (async function* () {
      yield [{ sample_url: sites.url('a.com', '/live') }, { sample_url: null }]
      yield [{ sample_url: sites.url('a.com', '/lost') }]
    })(),
  })
  const asked: string[] = []
  const web = webOf(sites)
  const whole = await check(
    {
      web,
      async findEarlier(id) {
        asked.push(id)
        return earlier('linking-domains', { domain: 'target.com/docs', scope: 'url' })
      },
    },
    { from: 'search', job: 'https://searchlight.example/jobs/0-abc' },
  )
  expect(asked).toEqual(['0-abc'])
  expect(whole.rows.map(({ state, target }) => [state, target]).sort()).toEqual([
    ['live', 'target.com/docs'],
    ['lost', 'target.com/docs'],
  ])
  const none = check({ web, findEarlier: async () => null }, { from: 'search', job: 'x' })
  await expect(none).rejects.toThrow(
    new SearchFailed('You have no search with this id. Copy it from the address of its page.'),
  )
  const other = check(
    { web, findEarlier: async () => earlier('keywords', { q: 'x' }) },
    { from: 'search', job: 'x' },
  )
  await expect(other).rejects.toThrow('Give one of the type “Linking domains”.')
})

test('without a network, all links are returned unchecked, with a note', async () => {
  const web: Web = {
    // biome-ignore lint/correctness/useYield: nothing is crawled here
    async *crawl() {
      throw new Error('Unexpected crawl')
    },
    // biome-ignore lint/correctness/useYield: there is no network
    async *verifyLinks() {
      throw new NoNetwork()
    },
  }
  const { rows, notes } = await check({ web }, { links: 'a.com\nb.com', domain: 'target.com' })
  expect(rows.map(({ page, state }) => [page, state])).toEqual([
    ['https://a.com/', 'unchecked'],
    ['https://b.com/', 'unchecked'],
  ])
  expect(notes).toEqual([expect.stringMatching(/^Stopped; 2 links remain unchecked\. /)])
})

test.each([
  [{ links: '' }, 'links', 'Enter at least one link.'],
  [{ from: 'search' }, 'job', 'Enter the id of a search.'],
])('%j is refused at %s', (input, field, message) => {
  const [issue] = lostLinks.input.safeParse(input).error?.issues ?? []
  expect(issue).toMatchObject({ path: [field], message })
})

test('a list without any link ends with what to write', async () => {
  await expect(check({}, { links: 'nothing here at all' })).rejects.toThrow(
    'No line is a link. Write the address of a page, a space, and where its link leads.',
  )
})
