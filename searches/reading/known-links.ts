import { z } from 'zod'
import type { LinkToVerify } from '#crawler/web.ts'
import type { SearchContext } from '#jobs/define-search.ts'
import { SearchFailed } from '#jobs/errors.ts'
import type { SearchTools } from '#searches/search-tools.ts'
import { leadsTo, readTarget } from '#webindex/pages/link-target.ts'
import { addressOf } from '#webindex/pages/web-address.ts'
import { type LineReading, readLines } from './read-lines.ts'

const maxLinks = 2_000

/** A link that is to be checked. */
export interface KnownLink extends LinkToVerify {
  /** A site, a host or a page. */
  target: string
}

/** Where links are known from. */
interface Origin {
  from: 'list' | 'search'
  links: string
  /** Where links lead whose line doesn't say so; '' if all lines do. */
  domain: string
  /** The id of an earlier search. */
  job: string
}

/** @throws {SearchFailed} if there is no link to check */
export async function knownLinks(
  { from, links, domain, job }: Origin,
  context: SearchContext<SearchTools>,
): Promise<KnownLink[]> {
  const known =
    from === 'search'
      ? await linksOfSearch(job, context)
      : [...(await readLines(links, (line) => readLink(line, domain), 'link', context)).values()]
  if (known.length === 0)
    throw new SearchFailed(
      from === 'search'
        ? 'That search has found no page with a link.'
        : 'No line is a link. Write the address of a page, a space, and where its link leads.',
    )
  if (known.length > maxLinks)
    context.note(
      `Checking the first ${maxLinks.toLocaleString('en')} of ${known.length.toLocaleString('en')} links.`,
    )
  return known.slice(0, maxLinks)
}

function readLink(line: string, domain: string): LineReading<KnownLink> {
  const [page = '', target = domain, ...rest] = line.split(/\s+/)
  if (rest.length > 0) return { ok: false, reason: 'has more than two addresses' }
  const source = addressOf(/^https?:\/\//i.test(page) ? page : `https://${page}`)
  if (!source) return { ok: false, reason: 'has no page of the public web' }
  if (target === '') return { ok: false, reason: 'has no target, and no domain is given' }
  const isTarget = targetOf(target)
  if (!isTarget) return { ok: false, reason: 'has a target that is not on the public web' }
  const value = { sourceUrl: source.url, ...isTarget }
  return { ok: true, key: `${source.url} ${value.target}`, value }
}

/** An address with a path means that page, any other the whole site. */
function targetOf(written: string, scope?: 'site' | 'host' | 'url') {
  const reading = readTarget(written)
  if (!reading.ok) return null
  const { target } = reading
  const within =
    scope ?? (target.text === target.site || target.text === target.host ? 'site' : 'url')
  return { target: target.text, isTarget: (href: string) => leadsTo(href, target, within) }
}

/** The input of a “Linking domains” search, as far as it matters here. */
const Asked = z.object({ domain: z.string(), scope: z.enum(['site', 'host', 'url']) })

async function linksOfSearch(
  id: string,
  { findEarlier, signal }: SearchContext<SearchTools>,
): Promise<KnownLink[]> {
  // People paste the address of a search, too.
  const earlier = await findEarlier(id.split('/').at(-1) ?? '')
  if (!earlier)
    throw new SearchFailed('You have no search with this id. Copy it from the address of its page.')
  const asked = Asked.safeParse(earlier.input)
  const target = asked.success ? targetOf(asked.data.domain, asked.data.scope) : null
  if (earlier.search !== 'linking-domains' || !target)
    throw new SearchFailed(
      'That search has no links to check. Give one of the type “Linking domains”.',
    )
  const known: KnownLink[] = []
  for await (const rows of earlier.rows) {
    for (const { sample_url: sourceUrl } of rows)
      if (typeof sourceUrl === 'string') known.push({ sourceUrl, ...target })
    signal.throwIfAborted()
  }
  return known
}
