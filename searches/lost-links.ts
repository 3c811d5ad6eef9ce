import { z } from 'zod'
import { NoNetwork } from '#crawler/errors.ts'
import type { LinkStatus, VerifiedLink } from '#crawler/web.ts'
import { defineSearch, type Row, type SearchContext } from '#jobs/define-search.ts'
import type { SearchTools } from '#searches/search-tools.ts'
import { type KnownLink, knownLinks } from './reading/known-links.ts'

const Input = z
  .object({
    from: z
      .enum(['list', 'search'])
      .default('list')
      .meta({
        title: 'Links',
        description: 'A list of links, or the sample pages that a “Linking domains” search found.',
        labels: { list: 'A list', search: 'An earlier search' },
      }),
    links: z
      .string()
      .trim()
      .max(500_000, 'Too long: enter at most 500,000 characters.')
      .default('')
      .meta({
        only: { from: ['list'] },
        subject: true,
        title: 'List of links',
        description:
          'One per line, up to 2,000: the address of the page with the link, and after a space where it leads. Without that, it is a link to your domain.',
        examples: ['https://example.org/tools', 'https://example.org/news https://redis.io/docs'],
      }),
    domain: z
      .string()
      .trim()
      .max(2048, 'Too long for a web address.')
      .default('')
      .meta({
        only: { from: ['list'] },
        title: 'Your domain',
        description: 'Where the links lead, for lines that don’t say so.',
        examples: ['redis.io'],
      }),
    job: z
      .string()
      .trim()
      .max(100, 'This is not the id of a search.')
      .default('')
      .meta({
        only: { from: ['search'] },
        subject: true,
        title: 'Search',
        description:
          'The id of one of your “Linking domains” searches: the last part of its address.',
      }),
  })
  .superRefine(({ from, links, job }, context) => {
    if (from === 'list' && links === '')
      context.addIssue({ code: 'custom', path: ['links'], message: 'Enter at least one link.' })
    if (from === 'search' && job === '')
      context.addIssue({ code: 'custom', path: ['job'], message: 'Enter the id of a search.' })
  })
type Input = z.output<typeof Input>

/** What was found of a link now. */
type LinkState = LinkStatus | 'redirected' | 'unchecked'

export const lostLinks = defineSearch<SearchTools, typeof Input>({
  name: 'lost-links',
  title: 'Lost links',
  description: 'Visit the pages that link to you, and see which links are still there.',
  input: Input,
  // 2,000 pages, eight hosts at a time, where each request may time out after 15 s.
  timeoutMs: 90 * 60_000,
  // Visits wait for other servers.
  slots: 10,
  columns: [
    { key: 'page', label: 'Page', type: 'url', help: 'The page that linked, as in your list.' },
    {
      key: 'target',
      label: 'Links to',
      type: 'text',
      help: 'Where the link leads: a whole site, or one page if the address has a path.',
    },
    {
      key: 'state',
      label: 'State',
      type: 'text',
      help: 'What the visit found: live, live_nofollow (marked nofollow, ugc or sponsored), lost (the page exists, the link does not), redirected (the page leads elsewhere now, and the link is not there), gone (the page does not exist), unchecked (not visited), or why the visit failed.',
    },
    {
      key: 'http_status',
      label: 'HTTP status',
      type: 'number',
      help: 'The answer of the page, after redirects. Empty if there was none.',
    },
    {
      key: 'moved_to',
      label: 'Redirects to',
      type: 'url',
      help: 'Where the page is now. Empty if it does not redirect.',
    },
    {
      key: 'anchor',
      label: 'Anchor',
      type: 'text',
      help: 'The text of the link now; for image links, the alternative text. Empty if the link is not there or has no text.',
    },
    {
      key: 'problem',
      label: 'Problem',
      type: 'text',
      help: 'Why the page could not be checked. Empty if it was.',
    },
  ],

  async *run(input: Input, context: SearchContext<SearchTools>) {
    const { web, signal, progress, note } = context
    const links = await knownLinks(input, context)
    const phase = { phase: 'Visiting pages', total: links.length, unit: 'links' }
    progress({ ...phase, done: 0 })
    const waiting = new Set(links)
    const states = new Map<LinkState, number>()
    try {
      for await (const verified of web.verifyLinks(links, { signal })) {
        if (!waiting.delete(verified.link)) continue
        const state = stateOf(verified)
        states.set(state, (states.get(state) ?? 0) + 1)
        yield toRow(verified, state)
        progress({ ...phase, done: links.length - waiting.size })
      }
    } catch (error) {
      if (!(error instanceof NoNetwork)) throw error
      note(`Stopped; ${counted(waiting.size)} remain unchecked. ${error.message}`)
    }
    for (const link of waiting) {
      yield { ...toRow(unvisited(link), 'unchecked') }
      signal.throwIfAborted()
    }
    if (states.size > 0) note(describeStates(states))
  },
})

function stateOf({ status, movedTo }: VerifiedLink<KnownLink>): LinkState {
  return status === 'lost' && movedTo !== null ? 'redirected' : status
}

function unvisited(link: KnownLink): Omit<VerifiedLink<KnownLink>, 'status'> {
  return { link, httpStatus: null, movedTo: null, anchor: null, problem: null }
}

function toRow(verified: Omit<VerifiedLink<KnownLink>, 'status'>, state: LinkState): Row {
  return {
    page: verified.link.sourceUrl,
    target: verified.link.target,
    state,
    http_status: verified.httpStatus,
    moved_to: verified.movedTo,
    anchor: verified.anchor === '' ? null : verified.anchor,
    problem: verified.problem,
  }
}

const words: Record<LinkState, string> = {
  live: 'live',
  live_nofollow: 'live, but not followed',
  lost: 'lost',
  redirected: 'lost by a redirect',
  gone: 'on pages that are gone',
  robots: 'closed by robots.txt',
  blocked_address: 'on addresses that may not be visited',
  timeout: 'on pages that did not answer in time',
  http_error: 'on pages with an error',
  not_html: 'in files that are not HTML',
  unchecked: 'unchecked',
}

function describeStates(states: ReadonlyMap<LinkState, number>): string {
  const counts = [...states]
    .sort(([, a], [, b]) => b - a)
    .map(([state, count]) => `${count.toLocaleString('en')} ${words[state]}`)
  const total = [...states.values()].reduce((sum, count) => sum + count, 0)
  return `Visited ${counted(total)}: ${counts.join(', ')}.`
}

const counted = (count: number) => `${count.toLocaleString('en')} link${count === 1 ? '' : 's'}`
