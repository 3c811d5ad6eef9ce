import { z } from 'zod'
import type { LinkStatus } from '#crawler/web.ts'
import { defineSearch, type Row, type SearchContext } from '#jobs/define-search.ts'
import type { SearchTools } from '#searches/search-tools.ts'
import { type LinkTarget, leadsTo, readTarget } from '#webindex/pages/link-target.ts'
import type { Generation } from '#webindex/query/engine.ts'
import type { ReferringDomain } from '#webindex/query/referring-domains.ts'
import { limitOf } from './reading/limit-of.ts'
import { readParts } from './reading/read-parts.ts'
import { tellGeneration, tellWhatIsHeld } from './reading/tell-index.ts'
import { verifySites } from './reading/verify-sites.ts'

/**
 * A web address in any form that people paste; it comes out in one form, which reads as the same
 * again.
 */
const Domain = z
  .string()
  .trim()
  .min(1, 'Enter a domain, such as redis.io.')
  .max(2048, 'This is too long for a web address.')
  // Before the transform: what describes a transformed schema loses its examples on the way to the
  // form.
  .meta({
    title: 'Domain',
    description:
      'The site to look up: a domain, the address of a page, or an owner on a code host.',
    examples: ['nodejs.org', 'github.com/redis', 'https://developer.mozilla.org/en-US/docs/Web'],
  })
  .transform((written, context) => {
    const reading = readTarget(written)
    if (reading.ok) return reading.target.text
    context.addIssue({ code: 'custom', message: reading.reason, input: written })
    return z.NEVER
  })

const Input = z.object({
  domain: Domain,
  scope: z
    .enum(['site', 'host', 'url'])
    .default('site')
    .meta({
      title: 'Links to',
      description: 'The whole site with all its subdomains, only this host, or only this one page.',
      labels: { site: 'Whole site', host: 'This host', url: 'This page' },
    }),
  follow: z
    .enum(['all', 'only'])
    .default('all')
    .meta({
      title: 'Follow',
      description: 'All links, or only those that are not marked nofollow, ugc or sponsored.',
      labels: { all: 'All links', only: 'Follow only' },
    }),
  verify: z
    .literal([0, 50, 200, 1_000])
    .default(0)
    .meta({
      title: 'Verify',
      description:
        'Visits the sample page of the sites with most links, and tells whether the link is still there.',
      labels: { 0: 'No', 50: '50 sites', 200: '200 sites', 1000: '1,000 sites' },
    }),
  limit: limitOf('referring sites'),
})
type Input = z.output<typeof Input>

export const linkingDomains = defineSearch<SearchTools, typeof Input>({
  name: 'linking-domains',
  title: 'Linking domains',
  description: 'Finds the sites that link to a site, with their links, pages and anchor texts.',
  input: Input,
  // A thousand pages, eight hosts at a time, of which each may take 15 seconds to say nothing.
  timeoutMs: 45 * 60_000,
  columns: [
    {
      key: 'site',
      label: 'Referring site',
      type: 'domain',
      help: 'The registrable domain that links, or the owner on a code host such as github.com/redis.',
    },
    {
      key: 'links',
      label: 'Links',
      type: 'number',
      help: 'Links from pages of this site to the target, repeated ones counted. Empty where only a graph or a table tells that the site links: its pages are not in this index.',
    },
    {
      key: 'linking_pages',
      label: 'Linking pages',
      type: 'number',
      help: 'Different pages of this site that link to the target. Empty where nobody has counted them.',
    },
    {
      key: 'target_pages',
      label: 'Target pages',
      type: 'number',
      help: 'Different pages of the target that this site links to. Empty where nobody has counted them.',
    },
    {
      key: 'follow_links',
      label: 'Follow links',
      type: 'number',
      help: 'Links that are not marked nofollow, ugc or sponsored. Empty where the links themselves are not known.',
    },
    {
      key: 'top_anchor',
      label: 'Top anchor',
      type: 'text',
      help: 'The link text that this site uses most for the target; of an image, its alternative text. Empty where no link has any, or none is known.',
    },
    {
      key: 'anchors',
      label: 'Anchors',
      type: 'number',
      help: 'How many different link texts this site uses for the target. Empty where the links themselves are not known.',
    },
    {
      key: 'first_seen',
      label: 'First seen',
      type: 'date',
      help: 'The earliest date of a page on which this index saw one of these links. Empty where the links themselves are not known.',
    },
    {
      key: 'last_seen',
      label: 'Last seen',
      type: 'date',
      help: 'The latest date of a page on which this index saw one of these links. Empty where the links themselves are not known.',
    },
    {
      key: 'rank',
      label: 'Rank in this index',
      type: 'number',
      unit: 'of 100',
      help: 'How many percent of the sites in this index have a lower PageRank: 100 is the top. It speaks of this index, not of the web.',
    },
    {
      key: 'web_rank',
      label: 'Web rank',
      type: 'number',
      unit: 'position',
      help: 'Position of this site among all domains of an imported Common Crawl ranking, 1 is the first. Empty without such an import, or if the site is not in it.',
    },
    {
      key: 'sample_url',
      label: 'Sample page',
      type: 'url',
      help: 'One of the linking pages: the first by address. Empty where the links themselves are not known.',
    },
    {
      key: 'status',
      label: 'Status',
      type: 'text',
      help: 'What a visit to the sample page has shown: live, live_nofollow, lost (the page is there, the link is not), gone (the page is not there), or why it could not be visited. Empty where it was not visited.',
    },
  ],

  async *run(input: Input, context: SearchContext<SearchTools>) {
    if (input.verify === 0) {
      for await (const site of foundSites(input, context)) yield toRow(site)
      return
    }
    const sites: ReferringDomain[] = []
    for await (const site of foundSites(input, context)) sites.push(site)
    const target = targetOf(input)
    const order = {
      most: input.verify,
      isTarget: (href: string) => leadsTo(href, target, input.scope),
    }
    for await (const { site, status } of verifySites(sites, order, context))
      yield toRow(site, status)
  },
})

async function* foundSites(
  input: Input,
  { openIndex, signal, progress, note }: SearchContext<SearchTools>,
): AsyncGenerator<ReferringDomain> {
  const { scope, follow, limit } = input
  const index = await openIndex()
  note(tellGeneration(index.generation, 'links'))
  const phase = { phase: 'Reading links', total: index.shards.links, unit: 'shards' }
  progress({ ...phase, done: 0 })
  let found = 0
  // One more than wanted: only that tells whether the limit left anything out.
  const question = { target: targetOf(input), scope, follow, limit: limit + 1 }
  for await (const { rows, done } of readParts(
    index.referringDomains(question, { signal }),
    note,
  )) {
    for (const site of rows) {
      if (found === limit) {
        const told = limit.toLocaleString('en')
        note(
          `Stopped at the limit of ${told} sites: there are more. Sites come in no order, so these are not the top ones.`,
        )
        return
      }
      found++
      yield site
      signal.throwIfAborted()
    }
    progress({ ...phase, done })
  }
  if (found === 0) note(tellNothing(input, index.generation))
}

function targetOf({ domain }: Input): LinkTarget {
  const reading = readTarget(domain)
  if (!reading.ok) throw new TypeError(reading.reason) // The schema has let it through, so this is our own mistake.
  return reading.target
}

function toRow(site: ReferringDomain, status: LinkStatus | null = null): Row {
  return {
    site: site.site,
    links: site.links,
    linking_pages: site.linkingPages,
    target_pages: site.targetPages,
    follow_links: site.followLinks,
    top_anchor: site.topAnchor,
    anchors: site.anchors,
    first_seen: site.firstSeen,
    last_seen: site.lastSeen,
    rank: site.rank,
    web_rank: site.webRank,
    sample_url: site.sampleUrl,
    status,
  }
}

function tellNothing({ domain, scope, follow }: Input, generation: Generation): string {
  const kind = follow === 'only' ? 'follow link' : 'link'
  const wider =
    scope === 'site' ? '' : ' Links to the whole site may be found by choosing “Whole site”.'
  return `No other site in this index has a ${kind} to ${domain}.${wider} ${tellWhatIsHeld(generation)}`
}
