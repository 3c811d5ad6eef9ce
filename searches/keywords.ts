import { z } from 'zod'
import { defineSearch, type SearchContext } from '#jobs/define-search.ts'
import type { SearchTools } from '#searches/search-tools.ts'
import { phraseOf } from '#webindex/pages/phrase-tokens.ts'
import type { Generation } from '#webindex/query/engine.ts'
import { limitOf } from './reading/limit-of.ts'
import { readKeyword } from './reading/read-keyword.ts'
import { readParts } from './reading/read-parts.ts'
import { resultColumns } from './reading/result-columns.ts'
import { tellGeneration, tellWhatIsHeld } from './reading/tell-index.ts'

const Input = z.object({
  q: z
    .string()
    .trim()
    .min(1, 'Enter a word or a phrase.')
    .max(200, 'This is too long: give at most 200 characters.')
    .meta({
      title: 'Words',
      description: 'A word, or several, that the phrases are to contain.',
      examples: ['redis', 'web socket', 'event loop'],
    })
    .superRefine((written, context) => {
      const reading = readKeyword(written)
      if (!reading.ok)
        context.addIssue({
          code: 'custom',
          message: `Enter a word or a phrase: this ${reading.reason}.`,
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
  minPages: z
    .number()
    .int()
    .min(0)
    .max(1_000_000_000)
    .default(1)
    .meta({
      title: 'Pages at least',
      description: 'Leave out phrases on fewer pages. 0 also shows what only a query log knows.',
      examples: [1],
    }),
  limit: limitOf('phrases'),
})
type Input = z.output<typeof Input>

export const keywords = defineSearch<SearchTools, typeof Input>({
  name: 'keywords',
  title: 'Keywords',
  description:
    'Finds the phrases that contain a word, with how much they are used and searched for.',
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
      help: 'How many words the phrase has. Pages are searched for phrases of up to four.',
    },
    {
      key: 'uses',
      label: 'Uses',
      type: 'number',
      help: 'How often the phrase occurs in titles and texts of all pages. Empty for a query of more than four words.',
    },
    {
      key: 'pages',
      label: 'Pages',
      type: 'number',
      help: 'Different pages with the phrase in their title or text. Empty for a query of more than four words.',
    },
    {
      key: 'sites',
      label: 'Sites',
      type: 'number',
      help: 'Different sites that these pages belong to. Empty for a query of more than four words.',
    },
    {
      key: 'in_title',
      label: 'In title',
      type: 'number',
      unit: 'pages',
      help: 'Different pages with the phrase in their title. Empty for a query of more than four words.',
    },
    {
      key: 'in_anchor',
      label: 'In anchor',
      type: 'number',
      unit: 'pages',
      help: 'Different pages with the phrase in the text of a link that leads to them from another page. Empty for a query of more than four words.',
    },
    {
      key: 'searches',
      label: 'Searches',
      type: 'number',
      help: 'How often people searched for exactly this, by the imported query logs. Empty if this index has none.',
    },
    ...resultColumns,
  ],

  async *run(input: Input, { openIndex, signal, progress, note }: SearchContext<SearchTools>) {
    const { match, minPages, limit } = input
    const index = await openIndex()
    note(tellGeneration(index.generation, 'phrases'))
    const hasQueryLog = index.generation.counts.queries > 0
    const phase = { phase: 'Reading phrases', total: index.shards.phrases, unit: 'shards' }
    progress({ ...phase, done: 0 })
    let found = 0
    // One more than wanted: only that tells whether the limit left anything out.
    const question = { tokens: phraseOf(input.q).split(' '), match, minPages, limit: limit + 1 }
    for await (const { rows, done } of readParts(index.phrasesWith(question, { signal }), note)) {
      for (const row of rows) {
        if (found === limit) {
          const told = limit.toLocaleString('en')
          note(
            `Stopped at the limit of ${told} phrases: there are more. Phrases come in no order, so these are not the top ones.`,
          )
          return
        }
        found++
        yield {
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
        }
        signal.throwIfAborted()
      }
      progress({ ...phase, done })
    }
    if (found === 0) note(tellNothing(input, index.generation))
  },
})

function tellNothing({ q, match, minPages }: Input, generation: Generation): string {
  const phrase = phraseOf(q)
  const several = phrase.includes(' ')
  const what = several && match === 'all_words' ? `all the words of “${phrase}”` : `“${phrase}”`
  const looser = several && match === 'phrase' ? ' “All words” finds them in any order.' : ''
  const fewer =
    minPages > 0
      ? ` “Pages at least” 0 shows what ${minPages > 1 ? 'fewer pages or ' : ''}only a query log knows.`
      : ''
  return `No phrase in this index contains ${what}${minPages > 1 ? ` and is on ${minPages.toLocaleString('en')} pages` : ''}.${looser}${fewer} ${tellWhatIsHeld(generation)}`
}
