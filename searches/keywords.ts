import { z } from 'zod'
import { defineSearch, type Row, type SearchContext } from '#jobs/define-search.ts'
import type { SearchTools } from '#searches/search-tools.ts'
import { phraseOf } from '#webindex/pages/phrase-tokens.ts'
import type { FoundPhrase, PhraseQuery } from '#webindex/query/find-phrases.ts'
import type { Language } from '#webindex/query/languages.ts'
import { describeGeneration } from './reading/describe-index.ts'
import { describeFragments, describeNoPhrases } from './reading/describe-phrases.ts'
import { describeTop } from './reading/describe-top.ts'
import { limitField } from './reading/limit-field.ts'
import { parseKeyword } from './reading/parse-keyword.ts'
import { queryLogColumns } from './reading/query-log-columns.ts'
import { readTopRows } from './reading/read-top-rows.ts'

const Input = z.object({
  q: z
    .string()
    .trim()
    .min(1, 'Enter a word or a phrase.')
    .max(200, 'Too long: enter at most 200 characters.')
    .meta({
      title: 'Words',
      description: 'One or more words that the phrases must contain.',
      examples: ['redis', 'web socket', 'event loop'],
    })
    .superRefine((written, context) => {
      const parsed = parseKeyword(written)
      if (!parsed.ok)
        context.addIssue({
          code: 'custom',
          message: `Enter a word or a phrase: this ${parsed.reason}.`,
          input: written,
        })
    }),
  match: z
    .enum(['phrase', 'all_words'])
    .default('phrase')
    .meta({
      title: 'Match',
      description:
        'The words next to each other in this order, or all of them anywhere in the phrase.',
      labels: { phrase: 'Exact phrase', all_words: 'All words' },
    }),
  questions: z.boolean().default(false).meta({
    title: 'Questions only',
    description: 'Only phrases that begin like a question, such as “how to” or “what is”.',
  }),
  fragments: z.boolean().default(false).meta({
    title: 'Include fragments',
    description: 'Also phrases that begin or end with a function word, such as “redis and the”.',
  }),
  fold: z.boolean().default(false).meta({
    title: 'Merge variants',
    description: 'One row for phrases that differ only in a plural or in the order of words.',
  }),
  minPages: z
    .number()
    .int()
    .min(0)
    .max(1_000_000_000)
    .default(1)
    .meta({
      title: 'Minimum pages',
      description:
        'Leave out phrases on fewer pages. 0 includes phrases found only in link texts or query logs.',
      examples: [1],
    }),
  limit: limitField('phrases'),
})
type Input = z.output<typeof Input>

const notCounted = 'Empty for phrases of more than four words, which are not counted.'

export const keywords = defineSearch<SearchTools, typeof Input>({
  name: 'keywords',
  title: 'Keywords',
  description: 'The top phrases that contain a word, with their usage and search volume.',
  input: Input,
  columns: [
    {
      key: 'phrase',
      label: 'Phrase',
      type: 'text',
      help: 'The phrase in lower case, its words joined by spaces.',
    },
    {
      key: 'words',
      label: 'Words',
      type: 'number',
      help: 'Number of words in the phrase. Phrases on pages have up to four; longer ones come from query logs.',
    },
    {
      key: 'uses',
      label: 'Uses',
      type: 'number',
      help: `How often the phrase occurs in titles and texts of all pages. ${notCounted}`,
    },
    {
      key: 'pages',
      label: 'Pages',
      type: 'number',
      help: `Different pages with the phrase in their title or text. ${notCounted}`,
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
      help: `Different pages with the phrase in their title. ${notCounted}`,
    },
    {
      key: 'in_anchor',
      label: 'In anchor',
      type: 'number',
      unit: 'pages',
      help: `Different pages that another page links to with the phrase in the link text. ${notCounted}`,
    },
    {
      key: 'searches',
      label: 'Searches',
      type: 'number',
      help: 'How often people searched for exactly this phrase, according to the imported query logs. Empty if this index has no query log.',
    },
    ...queryLogColumns,
    {
      key: 'variants',
      label: 'Variants',
      type: 'number',
      unit: 'phrases',
      help: 'With “Merge variants”: how many phrases this row stands for, itself included. The other numbers are those of the phrase shown. Empty otherwise.',
    },
  ],
  order: [
    { key: 'searches', descending: true },
    { key: 'sites', descending: true },
    { key: 'pages', descending: true },
    { key: 'uses', descending: true },
    { key: 'phrase', descending: false },
  ],

  async *run(input: Input, context: SearchContext<SearchTools>) {
    const { openIndex, signal, note } = context
    const index = await openIndex()
    note(describeGeneration(index.generation, 'phrases'))
    const hasQueryLog = index.generation.counts.queries > 0
    const languages = await index.languages({ signal })
    const { batches, counts } = readTopRows(
      index.phrasesWith(questionOf(input, languages), { signal }),
      { phase: 'Ranking phrases', shards: index.shards.phrases },
      context,
    )
    let [shown, covered] = [0, 0]
    for await (const batch of batches)
      for (const phrase of batch) {
        shown++
        covered += phrase.variants ?? 1
        yield toRow(phrase, hasQueryLog)
        signal.throwIfAborted()
      }
    const { found, leftOut } = counts
    if (leftOut > 0) note(describeFragments(leftOut, languages))
    if (found === 0) note(describeNoPhrases(input, index.generation))
    if (found > covered)
      note(describeTop({ shown, found }, 'phrases', hasQueryLog ? bySearches : bySites))
  },
})

function questionOf(input: Input, languages: readonly Language[]): PhraseQuery {
  const { match, minPages, limit, questions, fragments, fold } = input
  return {
    tokens: phraseOf(input.q).split(' '),
    match,
    minPages,
    limit,
    filter: {
      functionWords: fragments ? [] : languages.flatMap(({ functionWords }) => functionWords),
      questions: languages.flatMap((language) => language.questions),
      onlyQuestions: questions,
      fold,
    },
  }
}

const bySites = 'sites, then pages'
const bySearches = `searches, then ${bySites}`

function toRow(row: FoundPhrase, hasQueryLog: boolean): Row {
  return {
    phrase: row.phrase,
    words: row.words,
    uses: row.uses,
    pages: row.pages,
    sites: row.sites,
    in_title: row.inTitle,
    in_anchor: row.inAnchor,
    searches: hasQueryLog ? (row.searches ?? 0) : null,
    clicks: hasQueryLog ? (row.clicks ?? 0) : null,
    position: row.position,
    variants: row.variants,
  }
}
