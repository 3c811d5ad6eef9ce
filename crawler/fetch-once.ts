import type { Agent } from 'undici'
import { request } from 'undici'
import { AddressRefused, LookupTimedOut } from './connect-errors.ts'
import { type Excess, readBody, TooLarge, Unreadable } from './read-body.ts'

/** Why something could not be had. */
export type Reason =
  | 'blocked_address'
  | 'robots'
  | 'timeout'
  | 'unreachable'
  | 'http_error'
  | 'gone'
  | 'not_html'
  | 'too_large'

export interface Failure {
  ok: false
  reason: Reason
  /** HTTP status; null where there was no answer. */
  status: number | null
  /** A sentence fragment: `the server refuses connections`. */
  problem: string
  /** It would be just so if this machine had no network. */
  offline: boolean
}

export interface Answer {
  ok: true
  status: number
  headers: Headers
  /** Empty where nobody wants it. */
  body: Buffer
}
/** By lower-case name; of a repeated header, all values behind commas. */
export type Headers = (name: string) => string

export interface FetchOptions {
  agent: Agent
  userAgent: string
  accept: string
  totalMs: number
  maxBytes: number
  excess: Excess
  /** Whether the body is worth its bytes. */
  wants(answer: { status: number; headers: Headers }): boolean
  signal: AbortSignal
}

/** What is read of an unwanted body, so that its connection can be used again. */
const dumpBytes = 64 * 1024

/**
 * One GET without redirects. What goes wrong with the other side is an answer too.
 * @throws the signal's reason
 */
export async function fetchOnce(url: URL, options: FetchOptions): Promise<Answer | Failure> {
  const { agent, userAgent, accept, totalMs, maxBytes, excess, wants, signal } = options
  signal.throwIfAborted()
  // Not AbortSignal.any: on a signal that lives for hours it leaves something behind with every
  // call.
  const stop = new AbortController()
  const abort = () => stop.abort(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  const timer = setTimeout(() => stop.abort(), totalMs)
  let status: number | null = null
  try {
    const answer = await request(url, {
      dispatcher: agent,
      headers: { 'user-agent': userAgent, accept, 'accept-encoding': 'gzip, deflate, br' },
      signal: stop.signal,
    })
    status = answer.statusCode
    const headers: Headers = (name) => [answer.headers[name] ?? ''].flat().join(', ')
    if (!wants({ status, headers })) {
      await answer.body.dump({ limit: dumpBytes, signal: stop.signal })
      return { ok: true, status, headers, body: Buffer.alloc(0) }
    }
    const body = await readBody(answer.body, headers('content-encoding'), { maxBytes, excess })
    return { ok: true, status, headers, body }
  } catch (error) {
    signal.throwIfAborted()
    const failure = { ok: false as const, status, offline: false }
    if (stop.signal.aborted)
      return {
        ...failure,
        reason: 'timeout',
        problem: `no whole answer within ${totalMs / 1000} s`,
      }
    return { ...failure, ...explain(error, maxBytes) }
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', abort)
  }
}

const unreachable = (problem: string, offline = false) => ({
  reason: 'unreachable' as const,
  problem,
  offline,
})

function explain(
  error: unknown,
  maxBytes: number,
): Pick<Failure, 'reason' | 'problem' | 'offline'> {
  if (error instanceof AddressRefused)
    return { reason: 'blocked_address', problem: error.message, offline: false }
  if (error instanceof LookupTimedOut)
    return unreachable('its name could not be looked up in time', true)
  if (error instanceof TooLarge)
    return {
      reason: 'too_large',
      problem: `larger than ${(maxBytes / 1024 / 1024).toFixed(0)} MiB`,
      offline: false,
    }
  if (error instanceof Unreadable) return unreachable(error.message)
  const code = codeOf(error)
  if (code === 'ENOTFOUND') return unreachable('its name is not known', true)
  if (code === 'EAI_AGAIN' || code === 'EAI_FAIL')
    return unreachable('its name can’t be looked up now', true)
  if (code === 'ENETUNREACH' || code === 'ENETDOWN')
    return unreachable('there is no network to it', true)
  if (code === 'EHOSTUNREACH') return unreachable('there is no way to its server')
  if (code === 'ECONNREFUSED') return unreachable('the server refuses connections')
  if (code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'ETIMEDOUT')
    return {
      reason: 'timeout',
      problem: 'the server could not be connected to in time',
      offline: false,
    }
  if (/CERT|SSL|TLS|SIGNATURE|ISSUER/.test(code))
    return unreachable(`its certificate or encryption is not valid (${code})`)
  if (!code) throw error // Our own mistake.
  return unreachable(`the connection broke${code && ` (${code})`}`)
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : ''
}
