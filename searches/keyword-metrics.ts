import { z } from 'zod'
import { defineSearch, type Row, type SearchContext } from '#jobs/define-search.ts'
import type { SearchTools } from '#searches/search-tools.ts'
import type { PhraseLookup } from '#webindex/query/look-up-phrases.ts'
import { describeGeneration } from './reading/describe-index.ts'
import { parseKeyword } from './reading/parse-keyword.ts'
import { queryLogColumns } from './reading/query-log-columns.ts'
import { readIndex } from './reading/read-index.ts'
import { type LineReading, linesField, readLines } from './reading/read-lines.ts'

const Input = z.object({
  keywords: linesField({ noun: 'keyword', maxLines: 10_000, maxCharacters: 200_000 }).meta({
    title: 'Keywords',
    description: 'One keyword per line, up to 10,000.',
    examples: ['redis', 'web socket'],
  }),
})

const notCounted = 'Empty for keywords of more than four words, which are not counted.'

export const keywordMetrics = defineSearch<SearchTools, typeof Input>({
  name: 'keyword-metrics',
  title: 'Keyword metrics',
  description: 'Usage, search volume and competition for a list of keywords.',
  input: Input,
  columns: [
    {
      key: 'keyword',
      label: 'Keyword',
      type: 'text',
      help: 'The keyword as typed. Spellings that differ only in case or punctuation are merged.',
    },
    {
      key: 'uses',
      label: 'Uses',
      type: 'number',
      help: `How often the keyword occurs in titles and texts of all pages. ${notCounted}`,
    },
    {
      key: 'pages',
      label: 'Pages',
      type: 'number',
      help: `Different pages with the keyword in their title or text. ${notCounted}`,
    },
    {
      key: 'sites',
      label: 'Sites',
      type: 'number',
      help: `Different sites of those pages. ${notCounted}`,
    },
    {
      key: 'in_title',
      label: 'In title',
      type: 'number',
      unit: 'pages',
      help: `Different pages with the keyword in their title. ${notCounted}`,
    },
    {
      key: 'in_anchor',
      label: 'In anchor',
      type: 'number',
      unit: 'pages',
      help: `Different pages that another page links to with the keyword in the link text. ${notCounted}`,
    },
    {
      key: 'iaat',
      label: 'In anchor and title',
      type: 'number',
      unit: 'pages',
      help: `Different pages with the keyword both in their title and in the text of a link from another page (IAAT). ${notCounted}`,
    },
    {
      key: 'searches',
      label: 'Searches',
      type: 'number',
      help: 'How often people searched for exactly this keyword, according to the imported query logs. Empty if this index has no query log.',
    },
    {
      key: 'kei',
      label: 'KEI',
      type: 'number',
      help: 'Keyword effectiveness index: searches squared, divided by “In anchor”. High where many people search and few pages compete. Empty where that is 0: no competition in this index.',
    },
    {
      key: 'kei3',
      label: 'KEI3',
      type: 'number',
      help: 'Searches divided by “In anchor and title”: searches per serious competitor. Empty where that is 0: no competition in this index.',
    },
    ...queryLogColumns,
  ],

  async *run({ keywords }, { openIndex, signal, progress, note }: SearchContext<SearchTools>) {
    const index = await openIndex()
    note(describeGeneration(index.generation, 'phrases'))
    const hasQueryLog = index.generation.counts.queries > 0
    if (!hasQueryLog)
      note(
        'This index has no query log, so searches, KEI and KEI3 are unknown. Add one: npm run index -- add search-console FILE',
      )

    const typedForms = await readLines(keywords, readKeyword, 'keyword', { signal, note })
    const phase = { phase: 'Looking up keywords', total: typedForms.size, unit: 'keywords' }
    progress({ ...phase, done: 0 })
    for await (const { rows, done } of readIndex(
      index.lookUpPhrases([...typedForms.keys()], { signal }),
      note,
    )) {
      for (const row of rows) {
        yield toRow(typedForms.get(row.phrase) ?? row.phrase, row, hasQueryLog)
        signal.throwIfAborted()
      }
      progress({ ...phase, done })
    }
  },
})

function readKeyword(line: string): LineReading<string> {
  const parsed = parseKeyword(line)
  return parsed.ok ? { ok: true, key: parsed.phrase, value: line } : parsed
}

function toRow(keyword: string, { phrase, found }: PhraseLookup, hasQueryLog: boolean): Row {
  const known = typeof found === 'string' ? null : found
  // A phrase that is not in the index is on no page: 0. Phrases too long to be counted, and those
  // in an unreadable file, are unknown: null.
  const countIfMissing = found === 'absent' && phrase.split(' ').length <= 4 ? 0 : null
  const loggedIfMissing = hasQueryLog && found !== 'unreadable' ? 0 : null
  const inAnchor = known ? known.inAnchor : countIfMissing
  const iaat = known ? known.iaat : countIfMissing
  const searches = known?.searches ?? loggedIfMissing
  return {
    keyword,
    uses: known ? known.uses : countIfMissing,
    pages: known ? known.pages : countIfMissing,
    sites: known ? known.sites : countIfMissing,
    in_title: known ? known.inTitle : countIfMissing,
    in_anchor: inAnchor,
    iaat,
    searches,
    kei: searches === null ? null : quotient(searches ** 2, inAnchor),
    kei3: searches === null ? null : quotient(searches, iaat),
    clicks: known?.clicks ?? loggedIfMissing,
    position: known?.position ?? null,
  }
}

function quotient(dividend: number, divisor: number | null): number | null {
  return divisor === null || divisor === 0 ? null : dividend / divisor
}
