import { setImmediate as nextTurn } from 'node:timers/promises'
import { z } from 'zod'
import { defineSearch, type Row, type SearchContext } from '#jobs/define-search.ts'
import type { SearchTools } from '#searches/search-tools.ts'
import type { PhraseLookup } from '#webindex/query/look-up-phrases.ts'
import { readKeyword } from './reading/read-keyword.ts'
import { readParts } from './reading/read-parts.ts'
import { resultColumns } from './reading/result-columns.ts'
import { tellGeneration } from './reading/tell-index.ts'

const mostLines = 10_000

const Input = z.object({
  keywords: z
    .string()
    .trim()
    .min(1, 'Enter at least one keyword.')
    .max(200_000, 'This is too long: give at most 200,000 characters.')
    .meta({
      title: 'Keywords',
      description: 'One keyword in each line, up to 10,000 of them.',
      examples: ['redis', 'web socket'],
    })
    .superRefine((text, context) => {
      const lines = linesOf(text).length
      if (lines <= mostLines) return
      const message = `These are ${lines.toLocaleString('en')} keywords: give at most ${mostLines.toLocaleString('en')}.`
      context.addIssue({ code: 'custom', message, input: text })
    }),
})

const notCounted = 'Empty for more than four words, which are not counted.'

export const keywordMetrics = defineSearch<SearchTools, typeof Input>({
  name: 'keyword-metrics',
  title: 'Keyword metrics',
  description:
    'Tells of each keyword in a list how much it is used, searched for and competed for.',
  input: Input,
  columns: [
    {
      key: 'keyword',
      label: 'Keyword',
      type: 'text',
      help: 'The keyword as it was given; spellings that differ in case or signs only are one.',
    },
    {
      key: 'uses',
      label: 'Uses',
      type: 'number',
      help: `How often it occurs in titles and texts of all pages. ${notCounted}`,
    },
    {
      key: 'pages',
      label: 'Pages',
      type: 'number',
      help: `Different pages with it in their title or text. ${notCounted}`,
    },
    {
      key: 'sites',
      label: 'Sites',
      type: 'number',
      help: `Different sites that these pages belong to. ${notCounted}`,
    },
    {
      key: 'in_title',
      label: 'In title',
      type: 'number',
      unit: 'pages',
      help: `Different pages with it in their title. ${notCounted}`,
    },
    {
      key: 'in_anchor',
      label: 'In anchor',
      type: 'number',
      unit: 'pages',
      help: `Different pages with it in the text of a link that leads to them from another page. ${notCounted}`,
    },
    {
      key: 'iaat',
      label: 'In anchor and title',
      type: 'number',
      unit: 'pages',
      help: `Different pages with it both in their title and in the text of a link that leads to them from another page (IAAT). ${notCounted}`,
    },
    {
      key: 'searches',
      label: 'Searches',
      type: 'number',
      help: 'How often people searched for exactly this, by the imported query logs. Empty if this index has none.',
    },
    {
      key: 'kei',
      label: 'KEI',
      type: 'number',
      help: 'Searches squared, divided by the pages with it in an anchor: high where many search and few compete. Empty where there is nothing to divide by: no competition in this index.',
    },
    {
      key: 'kei3',
      label: 'KEI3',
      type: 'number',
      help: 'Searches divided by the pages with it in anchor and title: searches for each serious competitor. Empty where there is nothing to divide by: no competition in this index.',
    },
    ...resultColumns,
  ],

  async *run({ keywords }, { openIndex, signal, progress, note }: SearchContext<SearchTools>) {
    const index = await openIndex()
    note(tellGeneration(index.generation, 'phrases'))
    const hasQueryLog = index.generation.counts.queries > 0
    if (!hasQueryLog)
      note(
        'This index has no query log, so searches, KEI and KEI3 are unknown. Add one: npm run index -- add search-console FILE',
      )

    const asTyped = await readLines(keywords, { signal, note })
    const phase = { phase: 'Looking up keywords', total: asTyped.size, unit: 'keywords' }
    progress({ ...phase, done: 0 })
    for await (const { rows, done } of readParts(
      index.lookUpPhrases([...asTyped.keys()], { signal }),
      note,
    )) {
      for (const row of rows) {
        yield toRow(asTyped.get(row.phrase) ?? row.phrase, row, hasQueryLog)
        signal.throwIfAborted()
      }
      progress({ ...phase, done })
    }
  },
})

/**
 * How each phrase was typed first, in the order of the lines. What can't be looked up is told and
 * left out.
 */
async function readLines(
  text: string,
  { signal, note }: Pick<SearchContext<unknown>, 'signal' | 'note'>,
): Promise<Map<string, string>> {
  const asTyped = new Map<string, string>()
  const skipped = new Map<string, { first: string; count: number }>()
  let repeated = 0
  for (const [n, line] of linesOf(text).entries()) {
    const reading = readKeyword(line)
    if (!reading.ok) {
      const { first, count } = skipped.get(reading.reason) ?? { first: line, count: 0 }
      skipped.set(reading.reason, { first, count: count + 1 })
    } else if (asTyped.has(reading.phrase)) repeated++
    else asTyped.set(reading.phrase, line)
    if (n % 500 === 499) {
      await nextTurn()
      signal.throwIfAborted()
    }
  }
  if (repeated > 0)
    note(
      `${tellCount(repeated, 'line')} said the same as an earlier one and ${repeated === 1 ? 'was' : 'were'} merged with it.`,
    )
  for (const [reason, { first, count }] of skipped) {
    const shown = first.length > 60 ? `${first.slice(0, 60)}…` : first
    const plural = reason.replace(/^has /, count === 1 ? 'has ' : 'have ')
    note(
      `Skipped ${tellCount(count, 'line')} that ${plural}${count === 1 ? '' : ', the first'}: “${shown}”.`,
    )
  }
  return asTyped
}

function toRow(keyword: string, { phrase, found }: PhraseLookup, hasQueryLog: boolean): Row {
  const known = typeof found === 'string' ? null : found
  // A phrase that the index does not have is on no page; one too long to be counted may be on any,
  // and so may one of a file that can't be read.
  const unfound = found === 'absent' && phrase.split(' ').length <= 4 ? 0 : null
  const unlogged = hasQueryLog && found !== 'unreadable' ? 0 : null
  const inAnchor = known ? known.inAnchor : unfound
  const iaat = known ? known.iaat : unfound
  const searches = known?.searches ?? unlogged
  return {
    keyword,
    uses: known ? known.uses : unfound,
    pages: known ? known.pages : unfound,
    sites: known ? known.sites : unfound,
    in_title: known ? known.inTitle : unfound,
    in_anchor: inAnchor,
    iaat,
    searches,
    kei: searches === null ? null : quotient(searches ** 2, inAnchor),
    kei3: searches === null ? null : quotient(searches, iaat),
    clicks: known?.clicks ?? unlogged,
    position: known?.position ?? null,
  }
}

function quotient(dividend: number, divisor: number | null): number | null {
  return divisor === null || divisor === 0 ? null : dividend / divisor
}

function linesOf(text: string): string[] {
  return text
    .split(/\r\n|\r|\n/)
    .map((line) => line.trim())
    .filter(Boolean)
}

function tellCount(count: number, unit: string): string {
  return `${count.toLocaleString('en')} ${unit}${count === 1 ? '' : 's'}`
}
