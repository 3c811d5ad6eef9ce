import { z } from 'zod'
import { defineSearch, type Row, type SearchContext } from '#jobs/define-search.ts'
import { SearchFailed } from '#jobs/errors.ts'
import type { SearchTools } from '#searches/search-tools.ts'
import type { GapSite } from '#webindex/query/link-gap.ts'
import { describeCoverage, describeGeneration } from './reading/describe-index.ts'
import { describeTop } from './reading/describe-top.ts'
import { domainField, readSite, siteOfField } from './reading/domain-field.ts'
import { limitField } from './reading/limit-field.ts'
import { rankColumns } from './reading/rank-columns.ts'
import { linesField, readLines } from './reading/read-lines.ts'
import { readTopRows } from './reading/read-top-rows.ts'

const maxCompetitors = 10

const Input = z.object({
  domain: domainField({
    title: 'Your domain',
    description: 'Your site: a domain, a page of it, or an owner on a code host.',
    examples: ['nodejs.org', 'github.com/redis'],
  }),
  competitors: linesField({
    noun: 'competitor',
    maxLines: maxCompetitors,
    maxCharacters: 10_000,
  }).meta({
    title: 'Competitors',
    description: `One domain per line, up to ${maxCompetitors}.`,
    examples: ['deno.com', 'bun.sh'],
  }),
  atLeast: z
    .number()
    .int()
    .min(1)
    .max(maxCompetitors)
    .default(1)
    .meta({
      title: 'Competitors linked to',
      description: 'Leave out sites that link to fewer competitors.',
      examples: [2],
    }),
  limit: limitField('sites'),
})
type Input = z.output<typeof Input>

export const linkGap = defineSearch<SearchTools, typeof Input>({
  name: 'link-gap',
  title: 'Link gap',
  description: 'Sites that link to your competitors and not to you.',
  input: Input,
  columns: [
    {
      key: 'site',
      label: 'Site',
      type: 'domain',
      help: 'A site that links to competitors and not to your domain: a registrable domain or an owner on a code host.',
    },
    {
      key: 'competitors',
      label: 'Competitors',
      type: 'number',
      help: 'How many of the competitors it links to.',
    },
    {
      key: 'links_to',
      label: 'Links to',
      type: 'text',
      help: 'The competitors it links to, in the order of your list.',
    },
    {
      key: 'links',
      label: 'Links',
      type: 'number',
      help: 'Links from pages of this site to these competitors, repeated ones included. 0 where only a domain graph or a table reports the link: its pages are not in this index.',
    },
    {
      key: 'linking_pages',
      label: 'Linking pages',
      type: 'number',
      help: 'Different pages of this site that link to these competitors.',
    },
    ...rankColumns,
    {
      key: 'sample_url',
      label: 'Sample page',
      type: 'url',
      help: 'One of the linking pages: the first by address. Empty where the links themselves are unknown.',
    },
  ],
  order: [
    { key: 'competitors', descending: true },
    { key: 'links', descending: true },
    { key: 'linking_pages', descending: true },
    { key: 'rank', descending: true },
    { key: 'site', descending: false },
  ],

  async *run(input: Input, context: SearchContext<SearchTools>) {
    const { openIndex, signal, note } = context
    const index = await openIndex()
    note(describeGeneration(index.generation, 'links'))
    const mine = siteOfField(input.domain)
    const read = await readLines(input.competitors, readSite, 'competitor', context)
    if (read.delete(mine)) note(`${mine} is your own domain, so it is not compared with itself.`)
    const competitors = [...read.values()]
    if (competitors.length === 0)
      throw new SearchFailed('None of the competitors is a domain. Enter domains such as redis.io.')
    const { limit, atLeast } = input
    const question = { mine, competitors, atLeast: Math.min(atLeast, competitors.length), limit }
    const { batches, counts } = readTopRows(
      index.linkGap(question, { signal }),
      { phase: 'Comparing links', shards: index.shards.links },
      context,
    )
    let shown = 0
    for await (const batch of batches)
      for (const gap of batch) {
        shown++
        yield toRow(gap, competitors)
        signal.throwIfAborted()
      }
    const { found, leftOut } = counts
    if (leftOut > 0)
      note(`Left out ${leftOut.toLocaleString('en')} sites that link to ${mine} already.`)
    if (found > limit) note(describeTop({ shown, found }, 'sites', 'competitors, then links'))
    if (found === 0)
      note(
        leftOut > 0
          ? `Every site in this index that links to these competitors links to ${mine} too. ${describeCoverage(index.generation)}`
          : `No site in this index links to these competitors. ${describeCoverage(index.generation)}`,
      )
  },
})

function toRow(gap: GapSite, competitors: readonly string[]): Row {
  return {
    site: gap.site,
    competitors: gap.competitors.length,
    links_to: gap.competitors.map((place) => competitors[place]).join(', '),
    links: gap.links,
    linking_pages: gap.linkingPages,
    rank: gap.rank,
    web_rank: gap.webRank,
    sample_url: gap.sampleUrl,
  }
}
