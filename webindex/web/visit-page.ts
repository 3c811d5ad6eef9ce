import { decodeBuffer } from 'encoding-sniffer'
import type { Failure, Headers } from './fetch-once.ts'
import { fetchInTurn, type Session } from './fetch-in-turn.ts'
import type { RobotsCache } from './robots.ts'
import { refusalOf } from './web-url.ts'

/** What became of asking for a page. `url` is where its redirects led to, or where they broke off; `redirected` the status of the first of them. */
export type Visit = (
  | { ok: true; status: number; html: string; headers: Headers }
  /** Where `busy` says why, the whole server should be left alone. */
  | (Failure & { busy?: string })
) & { url: URL; redirected: number | null }

const accept = 'text/html,application/xhtml+xml;q=0.9,*/*;q=0.1'

/** Fetches a page of HTML as robots.txt allows it, over at most five redirects, each of which is judged like the first address. */
export async function visitPage(
  start: URL,
  { session, robots }: { session: Session; robots: RobotsCache },
  /** Says no to a redirect that leads where nobody wants to go. */
  follows: (url: URL) => boolean = () => true,
): Promise<Visit> {
  const { limits } = session
  let url = start
  let redirected: number | null = null
  const failed = (reason: Failure['reason'], problem: string, status: number | null = null): Visit => ({
    ...{ ok: false, reason, problem, status, offline: false },
    ...{ url, redirected },
  })
  for (let redirects = 0; ; redirects++) {
    const refused = refusalOf(url)
    if (refused) return failed('http_error', refused)
    const rules = await robots.rulesFor(url, session)
    const refusal = rules.refusal(url)
    if (refusal) return { ...refusal, url, redirected }

    const wish = {
      accept,
      maxBytes: limits.maxPageBytes,
      excess: 'refuse' as const,
      wants: isPage,
      gapMs: Math.max(limits.gapMs, rules.crawlDelayMs),
    }
    const answer = await fetchInTurn(url, wish, session)
    if (!answer.ok) return { ...answer, url, redirected }
    const { status, headers, body, busy } = answer
    if (isRedirect(status)) {
      const location = headers('location')
      if (!URL.canParse(location, url.href)) return failed('http_error', 'redirects to nowhere', status)
      if (redirects === limits.maxRedirects) return failed('http_error', `more than ${redirects} redirects`, status)
      redirected ??= status
      const next = new URL(location, url)
      if (!next.hash) next.hash = url.hash
      url = next
      if (!follows(url)) return failed('http_error', `redirects to ${url.href}`, redirected)
      continue
    }
    if (status === 404 || status === 410) return failed('gone', `HTTP ${status}`, status)
    if (status < 200 || status > 299) return { ...failed('http_error', `HTTP ${status}`, status), ...(busy && { busy }) }
    const type = headers('content-type')
    if (!(type ? isHtml(type) : looksLikeHtml(body)))
      return failed('not_html', `not HTML${type && ` (${type.split(';')[0]?.trim().slice(0, 60)})`}`, status)
    return { ok: true, status, html: decode(body, type), headers, url, redirected }
  }
}

const isRedirect = (status: number) => [301, 302, 303, 307, 308].includes(status)
const isHtml = (type: string) => /^\s*(text\/html|application\/xhtml\+xml)\s*([;,]|$)/i.test(type)

function isPage({ status, headers }: { status: number; headers: Headers }): boolean {
  const type = headers('content-type')
  return status >= 200 && status < 300 && (!type || isHtml(type))
}

/** As browsers decide it where nobody says what it is: by what it begins with. */
function looksLikeHtml(body: Buffer): boolean {
  return /^(\xEF\xBB\xBF)?\s*<(!--|(!doctype\s+html|html|head|body|title|h1|p|div|a|table|script|style|meta|br|b|font|iframe)[\s>])/i.test(
    body.subarray(0, 512).toString('latin1'),
  )
}

/** By byte order mark, header, meta element; UTF-8 where nothing tells. */
function decode(body: Buffer, type: string): string {
  const charset = /charset\s*=\s*["']?([^\s;"']+)/i.exec(type)?.[1]
  try {
    return decodeBuffer(body, { defaultEncoding: 'utf-8', ...(charset && { transportLayerEncodingLabel: charset }) })
  } catch (error) {
    if (error instanceof RangeError) return body.toString('utf8') // An encoding that nobody knows, or one that is too dangerous to be decoded.
    throw error
  }
}
