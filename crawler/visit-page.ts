import { charsetOf, decodeText } from '#webindex/pages/decode-text.ts'
import { looksLikeHtml } from '#webindex/pages/looks-like-html.ts'
import type { Failure, Headers } from './fetch-once.ts'
import { type FetchDeps, followRedirects } from './follow-redirects.ts'

/** The result of fetching a page. `url` and `redirected` are those of followRedirects. */
export type Visit = (
  | { ok: true; status: number; html: string; headers: Headers }
  /** `busy`: why to stop visiting the server, if it should be. */
  | (Failure & { busy?: string })
) & { url: URL; redirected: number | null }

const accept = 'text/html,application/xhtml+xml;q=0.9,*/*;q=0.1'

/** Fetches an HTML page. */
export async function visitPage(
  start: URL,
  deps: FetchDeps,
  follows?: (url: URL) => boolean,
): Promise<Visit> {
  const request = {
    accept,
    maxBytes: deps.session.limits.maxPageBytes,
    excess: 'refuse' as const,
    wants: isPage,
  }
  const reached = await followRedirects(start, request, deps, follows)
  if (!reached.ok) return reached
  const { status, headers, body, busy, url, redirected } = reached
  const failed = (reason: Failure['reason'], problem: string): Visit => ({
    ...{ ok: false, reason, problem, status, offline: false },
    ...{ url, redirected },
    ...(busy && { busy }),
  })
  if (status === 404 || status === 410) return failed('gone', `HTTP ${status}`)
  if (status < 200 || status > 299) return failed('http_error', `HTTP ${status}`)
  const type = headers('content-type')
  if (!(type ? isHtml(type) : looksLikeHtml(body)))
    return failed('not_html', `not HTML${type && ` (${type.split(';')[0]?.trim().slice(0, 60)})`}`)
  const html = decodeText(body, charsetOf(type))
  if (html === null) return failed('not_html', 'in an unsupported text encoding')
  return { ok: true, status, html, headers, url, redirected }
}

const isHtml = (type: string) => /^\s*(text\/html|application\/xhtml\+xml)\s*([;,]|$)/i.test(type)

function isPage({ status, headers }: { status: number; headers: Headers }): boolean {
  const type = headers('content-type')
  return status >= 200 && status < 300 && (!type || isHtml(type))
}
