import { z } from 'zod'
import { defineSearch, type Row, type SearchContext } from '#jobs/define-search.ts'
import type { SearchTools } from '#searches/search-tools.ts'
import type { DomainTotals } from '#webindex/query/domain-totals.ts'
import { describeGeneration } from './reading/describe-index.ts'
import { readSite } from './reading/domain-field.ts'
import { rankColumns } from './reading/rank-columns.ts'
import { readIndex } from './reading/read-index.ts'
import { linesField, readLines } from './reading/read-lines.ts'

const Input = z.object({
  domains: linesField({ noun: 'domain', maxLines: 1_000, maxCharacters: 100_000 }).meta({
    title: 'Domains',
    description:
      'One per line, up to 1,000: domains, page addresses, or owners on a code host. Only the site counts.',
    examples: ['nodejs.org', 'github.com/redis'],
  }),
})
type Input = z.output<typeof Input>

export const bulkDomains = defineSearch<SearchTools, typeof Input>({
  name: 'bulk-domains',
  title: 'Bulk domains',
  description: 'Links, referring domains and rank of up to 1,000 domains.',
  input: Input,
  columns: [
    {
      key: 'domain',
      label: 'Domain',
      type: 'domain',
      help: 'The site, in the order of the list: a registrable domain or an owner on a code host.',
    },
    {
      key: 'referring_domains',
      label: 'Referring domains',
      type: 'number',
      help: 'Different domains that link to the site, those included that only a domain graph or a table reports: as many as “Linking domains” finds.',
    },
    {
      key: 'links',
      label: 'Links',
      type: 'number',
      help: 'Links from pages of other domains to the site, repeated ones included.',
    },
    {
      key: 'linking_pages',
      label: 'Linking pages',
      type: 'number',
      help: 'Different pages of other domains that link to the site.',
    },
    {
      key: 'follow_links',
      label: 'Followed links',
      type: 'number',
      help: 'Links not marked nofollow, ugc or sponsored.',
    },
    {
      key: 'pages',
      label: 'Pages',
      type: 'number',
      help: 'Pages of the site in this index.',
    },
    ...rankColumns,
    {
      key: 'first_seen',
      label: 'First seen',
      type: 'date',
      help: 'The earliest date of a page with a link to the site in this index.',
    },
    {
      key: 'last_seen',
      label: 'Last seen',
      type: 'date',
      help: 'The latest date of a page with a link to the site in this index.',
    },
  ],

  async *run({ domains }: Input, context: SearchContext<SearchTools>) {
    const { openIndex, signal, progress, note } = context
    const index = await openIndex()
    note(describeGeneration(index.generation, 'links'))
    const sites = [...(await readLines(domains, readSite, 'domain', context)).values()]
    const phase = { phase: 'Adding up links', total: index.shards.links, unit: 'shards' }
    progress({ ...phase, done: 0 })
    if (sites.length === 0) return
    let unknown = 0
    for await (const { rows, done } of readIndex(index.domainTotals(sites, { signal }), note)) {
      for (const totals of rows) {
        if (totals.rank === null && totals.referringDomains === 0) unknown++
        yield toRow(totals)
        signal.throwIfAborted()
      }
      progress({ ...phase, done })
    }
    if (unknown > 0)
      note(
        `This index has no page of ${unknown.toLocaleString('en')} of these ${sites.length.toLocaleString('en')} domains, and no link to them.`,
      )
  },
})

function toRow(totals: DomainTotals): Row {
  return {
    domain: totals.site,
    referring_domains: totals.referringDomains,
    links: totals.links,
    linking_pages: totals.linkingPages,
    follow_links: totals.followLinks,
    pages: totals.pages,
    rank: totals.rank,
    web_rank: totals.webRank,
    first_seen: isoOf(totals.firstSeen),
    last_seen: isoOf(totals.lastSeen),
  }
}

function isoOf(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString()
}
