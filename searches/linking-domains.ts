import { z } from 'zod'
import { defineSearch, type SearchContext } from '#jobs/define-search.ts'
import { PassingError } from '#jobs/errors.ts'
import type { Generation } from '#webindex/engine.ts'
import { GenerationGone } from '#webindex/errors.ts'
import { readTarget } from '#webindex/link-target.ts'
import type { SearchTools } from '#webindex/search-tools.ts'

/** A web address in any form that people paste; it comes out in one form, which reads as the same again. */
const Domain = z
  .string()
  .trim()
  .min(1, 'Enter a domain, such as redis.io.')
  .max(2048, 'This is too long for a web address.')
  // Before the transform: what describes a transformed schema loses its examples on the way to the form.
  .meta({
    title: 'Domain',
    description: 'The site to look up: a domain, the address of a page, or an owner on a code host.',
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
  limit: z
    .number()
    .int()
    .min(1)
    .max(10_000)
    .default(1_000)
    .meta({ title: 'Limit', description: 'Stop after this many referring sites.', examples: [1_000] }),
})

export const linkingDomains = defineSearch<SearchTools, typeof Input>({
  name: 'linking-domains',
  title: 'Linking domains',
  description: 'Finds the sites that link to a site, with their links, pages and anchor texts.',
  input: Input,
  columns: [
    {
      key: 'site',
      label: 'Referring site',
      type: 'domain',
      help: 'The registrable domain that links, or the owner on a code host such as github.com/redis.',
    },
    { key: 'links', label: 'Links', type: 'number', help: 'Links from pages of this site to the target, repeated ones counted.' },
    {
      key: 'linking_pages',
      label: 'Linking pages',
      type: 'number',
      help: 'Different pages of this site that link to the target.',
    },
    {
      key: 'target_pages',
      label: 'Target pages',
      type: 'number',
      help: 'Different pages of the target that this site links to.',
    },
    { key: 'follow_links', label: 'Follow links', type: 'number', help: 'Links that are not marked nofollow, ugc or sponsored.' },
    {
      key: 'top_anchor',
      label: 'Top anchor',
      type: 'text',
      help: 'The link text that this site uses most for the target; of an image, its alternative text.',
    },
    { key: 'anchors', label: 'Anchors', type: 'number', help: 'How many different link texts this site uses for the target.' },
    {
      key: 'first_seen',
      label: 'First seen',
      type: 'date',
      help: 'The earliest date of a page on which this index saw one of these links.',
    },
    {
      key: 'last_seen',
      label: 'Last seen',
      type: 'date',
      help: 'The latest date of a page on which this index saw one of these links.',
    },
    { key: 'sample_url', label: 'Sample page', type: 'url', help: 'One of the linking pages: the first by address.' },
  ],

  async *run({ domain, scope, follow, limit }, { openIndex, signal, progress, note }: SearchContext<SearchTools>) {
    const reading = readTarget(domain)
    if (!reading.ok) throw new TypeError(reading.reason) // The schema has let it through, so this is our own mistake.
    const { target } = reading
    const index = await openIndex()
    note(`Reads ${tellGeneration(index.generation)}.`)

    let found = 0
    const phase = { phase: 'Reading links', total: index.shards, unit: 'shards' }
    progress({ ...phase, done: 0 })
    try {
      for (let shard = 0; shard < index.shards; shard++) {
        // One more than wanted: only that tells whether the limit left anything out.
        const question = { target, scope, follow, limit: limit - found + 1 }
        for await (const { site, links, followLinks, anchors, ...more } of index.linkingSites(question, { shard, signal })) {
          if (found === limit) {
            note(
              `Stopped at the limit of ${limit.toLocaleString('en')} sites: there are more. Sites come in no order, so these are not the top ones.`,
            )
            return
          }
          found++
          yield {
            site,
            links,
            linking_pages: more.linkingPages,
            target_pages: more.targetPages,
            follow_links: followLinks,
            top_anchor: more.topAnchor,
            anchors,
            first_seen: more.firstSeen,
            last_seen: more.lastSeen,
            sample_url: more.sampleUrl,
          }
        }
        progress({ ...phase, done: shard + 1 })
      }
    } catch (error) {
      // Opened again, the next attempt reads the generation that is live now.
      if (error instanceof GenerationGone) throw new PassingError(error.message, { cause: error })
      throw error
    }
    if (found === 0) note(tellNothing({ domain, scope, follow }, index.generation))
  },
})

function tellGeneration({ id, builtAt, counts, bytes }: Generation): string {
  const pages = counts.pages.toLocaleString('en')
  const links = counts.links.toLocaleString('en')
  return `the index of ${builtAt.slice(0, 16).replace('T', ' ')} UTC (generation ${id}): ${pages} pages, ${links} links, ${(bytes / 1e6).toFixed(1)} MB`
}

function tellNothing(
  { domain, scope, follow }: { domain: string; scope: string; follow: string },
  { counts, sources }: Generation,
): string {
  const kind = follow === 'only' ? 'follow link' : 'link'
  const wider = scope === 'site' ? '' : ' Links to the whole site may be found by choosing “site”.'
  const held = sources.map((source) => `${source.name}, ${source.pages.toLocaleString('en')} pages`).join('; ')
  return (
    `No other site in this index has a ${kind} to ${domain}.${wider} It knows pages of ${counts.sites.toLocaleString('en')} sites only (${held}): ` +
    'this says nothing about the rest of the web. `npm run index -- stats` shows what is linked to most; ' +
    'after more npm packages are installed, `npm run index -- starter` adds their documents.'
  )
}
