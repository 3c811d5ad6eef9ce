import { z } from 'zod'
import { defineSearch, type Row, type RowStream, type SearchContext } from '#jobs/define-search.ts'
import type { SearchTools } from '#searches/search-tools.ts'
import { type LinkTarget, leadsTo, readTarget } from '#webindex/pages/link-target.ts'
import type { Generation } from '#webindex/query/engine.ts'
import type { ReferringDomain } from '#webindex/query/referring-domains.ts'
import { describeCoverage, describeGeneration } from './reading/describe-index.ts'
import { describeTop } from './reading/describe-top.ts'
import { domainField } from './reading/domain-field.ts'
import { limitField } from './reading/limit-field.ts'
import { rankColumns } from './reading/rank-columns.ts'
import { readTopRows } from './reading/read-top-rows.ts'
import { type FoundLink, verifySamplePages } from './reading/verify-sample-pages.ts'

const Input = z.object({
  domain: domainField({
    title: 'Domain',
    description: 'The site to look up: a domain, a page address, or an owner on a code host.',
    examples: ['nodejs.org', 'github.com/redis', 'https://developer.mozilla.org/en-US/docs/Web'],
  }),
  scope: z
    .enum(['site', 'host', 'url'])
    .default('site')
    .meta({
      title: 'Links to',
      description: 'The whole site with all subdomains, only this host, or only this page.',
      labels: { site: 'Whole site', host: 'This host', url: 'This page' },
    }),
  follow: z
    .enum(['all', 'only'])
    .default('all')
    .meta({
      title: 'Links counted',
      description: 'All links, or only those not marked nofollow, ugc or sponsored.',
      labels: { all: 'All links', only: 'Followed links only' },
    }),
  verify: z
    .literal([0, 50, 200, 1_000])
    .default(0)
    .meta({
      title: 'Verify',
      description:
        'Visit the sample pages of the domains with the most links and check whether the link is still there.',
      labels: { 0: 'No', 50: 'Top 50', 200: 'Top 200', 1000: 'Top 1,000' },
    }),
  limit: limitField('referring domains'),
})
type Input = z.output<typeof Input>

const linksUnknown = 'Empty where the links themselves are unknown.'

export const linkingDomains = defineSearch<SearchTools, typeof Input>({
  name: 'linking-domains',
  title: 'Linking domains',
  description: 'The top domains that link to a site, with their links, pages and anchor texts.',
  input: Input,
  // Verifying 1,000 pages, eight hosts at a time, where each request may time out after 15 s.
  timeoutMs: 45 * 60_000,
  columns: [
    {
      key: 'site',
      label: 'Referring domain',
      type: 'domain',
      help: 'The registrable domain that links, or an owner on a code host, such as github.com/redis.',
    },
    {
      key: 'links',
      label: 'Links',
      type: 'number',
      help: 'Links from pages of this domain to the target, repeated ones included. Empty where only a domain graph or a table reports the link: its pages are not in this index.',
    },
    {
      key: 'linking_pages',
      label: 'Linking pages',
      type: 'number',
      help: 'Different pages of this domain that link to the target. Empty where their number is unknown.',
    },
    {
      key: 'target_pages',
      label: 'Target pages',
      type: 'number',
      help: 'Different pages of the target that this domain links to. Empty where their number is unknown.',
    },
    {
      key: 'follow_links',
      label: 'Followed links',
      type: 'number',
      help: `Links not marked nofollow, ugc or sponsored. ${linksUnknown}`,
    },
    {
      key: 'top_anchor',
      label: 'Top anchor',
      type: 'text',
      help: 'The anchor text that this domain uses most for the target; for image links, the alternative text. Empty where no link has a text, or none is known.',
    },
    {
      key: 'anchors',
      label: 'Anchors',
      type: 'number',
      help: `Different anchor texts that this domain uses for the target. ${linksUnknown}`,
    },
    {
      key: 'first_seen',
      label: 'First seen',
      type: 'date',
      help: `The earliest date of a page with one of these links in this index. ${linksUnknown}`,
    },
    {
      key: 'last_seen',
      label: 'Last seen',
      type: 'date',
      help: `The latest date of a page with one of these links in this index. ${linksUnknown}`,
    },
    ...rankColumns,
    {
      key: 'sample_url',
      label: 'Sample page',
      type: 'url',
      help: `One of the linking pages: the first by address. ${linksUnknown}`,
    },
    {
      key: 'status',
      label: 'Status',
      type: 'text',
      help: 'What a visit to the sample page found: live, live_nofollow, lost (the page exists, the link does not), gone (the page does not exist), or why the visit failed. Empty where the page was not visited.',
    },
  ],
  order: [
    { key: 'links', descending: true },
    { key: 'linking_pages', descending: true },
    { key: 'rank', descending: true },
    { key: 'site', descending: false },
  ],

  async *run(input: Input, context: SearchContext<SearchTools>): RowStream {
    const { openIndex, signal, note } = context
    const { scope, follow, limit } = input
    const target = targetOf(input)
    const index = await openIndex()
    note(describeGeneration(index.generation, 'links'))
    const { batches, counts } = readTopRows(
      index.referringDomains({ target, scope, follow, limit }, { signal }),
      { phase: 'Ranking domains', shards: index.shards.links },
      context,
    )
    const known: FoundLink[] = []
    let shown = 0
    for await (const batch of batches)
      for (const domain of batch) {
        shown++
        const row = yield toRow(domain)
        if (known.length < input.verify && domain.sampleUrl !== null)
          known.push({
            index: row,
            sourceUrl: domain.sampleUrl,
            isTarget: (href) => leadsTo(href, target, scope),
          })
        signal.throwIfAborted()
      }
    const { found } = counts
    if (found === 0) note(describeNothingFound(input, index.generation))
    if (found > limit)
      note(
        describeTop({ shown, found }, 'referring domains', 'links, then linking pages, then rank'),
      )
    if (input.verify > 0) await verifySamplePages(known, context)
  },
})

function targetOf({ domain }: Input): LinkTarget {
  const reading = readTarget(domain)
  if (!reading.ok) throw new TypeError(reading.reason) // The schema accepted it, so this is a bug.
  return reading.target
}

function toRow(domain: ReferringDomain): Row {
  return {
    site: domain.site,
    links: domain.links,
    linking_pages: domain.linkingPages,
    target_pages: domain.targetPages,
    follow_links: domain.followLinks,
    top_anchor: domain.topAnchor,
    anchors: domain.anchors,
    first_seen: domain.firstSeen,
    last_seen: domain.lastSeen,
    rank: domain.rank,
    web_rank: domain.webRank,
    sample_url: domain.sampleUrl,
    status: null,
  }
}

function describeNothingFound({ domain, scope, follow }: Input, generation: Generation): string {
  const kind = follow === 'only' ? 'followed link' : 'link'
  const wider = scope === 'site' ? '' : ' Choose “Whole site” to include links to the rest of it.'
  return `No other site in this index has a ${kind} to ${domain}.${wider} ${describeCoverage(generation)}`
}
