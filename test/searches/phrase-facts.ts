import { linkTo, pageAt } from '#test/webindex/index-fixture.ts'
import type { LoggedQuery, SourceItem } from '#webindex/source.ts'
import { dice } from './run-search.ts'

const pick = dice(11)
const vocabulary = [
  'redis',
  'redis',
  'web',
  'socket',
  'event',
  'loop',
  'queue',
  "don't",
  'c++',
  'café',
  'node',
]
const phraseOf = (longest: number) =>
  Array.from({ length: pick([1, 2, 3, longest]) }, () => pick(vocabulary)).join(' ')
const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)
const places = [
  'https://a.com/',
  'https://a.com/1',
  'https://www.b.org/x',
  'http://c.github.io/',
  'https://d.co.uk/y/',
  'https://e.com/?q=1',
]
const urls = places.flatMap((url) => [
  url,
  ...[2, 3, 4].map((n) => `${url}${url.includes('?') ? '&' : '?'}p=${n}`),
])

/**
 * Pages with titles, sentences and links to each other. All texts consist of plain words, so that
 * split() can count them.
 */
const pages = urls.map((url) => ({
  url,
  site:
    ['a.com', 'b.org', 'c.github.io', 'd.co.uk', 'e.com'].find((site) => url.includes(site)) ?? '',
  title: capital(phraseOf(4)),
  sentences: Array.from({ length: pick([0, 4, 8, 12]) }, () => phraseOf(7)),
  links: Array.from({ length: pick([2, 5]) }, () => ({
    to: pick([...urls, 'https://elsewhere.com/']),
    anchor: pick(['', phraseOf(3)]),
    kind: pick(['text', 'text', 'image', 'metadata'] as const),
  })),
}))

export const queries: LoggedQuery[] = [
  { query: 'Redis Queue', searches: 100, clicks: 7, position: 3 },
  { query: 'redis-queue', searches: 50, clicks: 1, position: 6 },
  { query: 'redis', searches: 1000, clicks: 20, position: null },
  { query: 'socket', searches: 0, clicks: 0, position: 12.5 },
  { query: 'only people search this', searches: 9, clicks: 0, position: 1 },
  { query: 'how to run a redis queue in node', searches: 4, clicks: 2, position: 2 },
]

export function phraseItems({ withQueries = true } = {}): SourceItem[] {
  const documents = pages.map(({ url, title, sentences, links }) =>
    pageAt(
      url,
      links.map(({ to, anchor, kind }) => linkTo(to, { anchor, kind })),
      { title, text: sentences.map((sentence) => `${capital(sentence)}.`).join(' ') },
    ),
  )
  return [
    ...documents.map((page) => ({ page })),
    ...(withQueries ? queries.map((query) => ({ query })) : []),
  ]
}

export interface PhraseCounts {
  uses: number
  pages: number
  sites: number
  in_title: number
  in_anchor: number
  iaat: number
}

const phrasesIn = (text: string): string[] => {
  const words = text.toLowerCase().split(' ').filter(Boolean)
  return words.flatMap((_, from) =>
    [1, 2, 3, 4]
      .filter((n) => from + n <= words.length)
      .map((n) => words.slice(from, from + n).join(' ')),
  )
}
const sameUrl = (url: string) => url.replace(/^https?:\/\/(www\.)?/, '').replace(/\/(?=\?|$)/, '')

function countPhrases(): Map<string, PhraseCounts> {
  const links = pages.flatMap(({ url, links }) =>
    links
      .filter(({ to, kind }) => kind !== 'metadata' && sameUrl(to) !== sameUrl(url))
      .map((link) => ({ to: sameUrl(link.to), phrases: phrasesIn(link.anchor) })),
  )
  const read = pages.map(({ url, site, title, sentences }) => ({
    url: sameUrl(url),
    site,
    title: phrasesIn(title),
    text: sentences.flatMap(phrasesIn),
  }))
  const all = new Set([
    ...read.flatMap(({ title, text }) => [...title, ...text]),
    ...links.flatMap((link) => link.phrases),
  ])
  const counts = [...all].map((phrase): [string, PhraseCounts] => {
    const on = read.filter(({ title, text }) => title.includes(phrase) || text.includes(phrase))
    const titled = on.filter(({ title }) => title.includes(phrase))
    const linked = new Set(
      links.filter((link) => link.phrases.includes(phrase)).map((link) => link.to),
    )
    return [
      phrase,
      {
        uses: read
          .flatMap(({ title, text }) => [...title, ...text])
          .filter((each) => each === phrase).length,
        pages: on.length,
        sites: new Set(on.map((page) => page.site)).size,
        in_title: titled.length,
        in_anchor: linked.size,
        iaat: titled.filter((page) => linked.has(page.url)).length,
      },
    ]
  })
  // The index drops phrases that occur only in the text of a single page.
  const logged = new Set(queries.map(({ query }) => query.toLowerCase().replace('-', ' ')))
  return new Map(
    counts.filter(
      ([phrase, { pages, in_title, in_anchor }]) =>
        pages >= 2 || in_title > 0 || in_anchor > 0 || logged.has(phrase),
    ),
  )
}

/** The expected counts of each phrase, counted from the raw pages. */
export const counted = countPhrases()

/**
 * What the query log holds for a phrase. Spellings of one phrase are added up; the position is
 * averaged over all searches.
 */
export function queryLogOf(
  phrase: string,
): { searches: number; clicks: number; position: number | null } | null {
  const own = queries.filter(({ query }) => query.toLowerCase().replace('-', ' ') === phrase)
  if (own.length === 0) return null
  const searches = own.reduce((sum, each) => sum + each.searches, 0)
  const placed = own.flatMap(({ position, searches }) =>
    position === null ? [] : [{ position, searches }],
  )
  const weight = placed.reduce((sum, each) => sum + each.searches, 0)
  const weighted = placed.reduce((sum, each) => sum + each.position * each.searches, 0)
  const [only] = placed
  const position = weight > 0 ? weighted / weight : (only?.position ?? null)
  return { searches, clicks: own.reduce((sum, each) => sum + each.clicks, 0), position }
}
