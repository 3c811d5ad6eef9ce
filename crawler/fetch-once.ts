import type { Agent } from 'undici'
import { request } from 'undici'
import { AddressRefused, LookupTimedOut } from './connect-errors.ts'
import { errorCode } from './error-code.ts'
import { linkedController } from './linked-controller.ts'
import { type Excess, readBody, TooLarge, Unreadable } from './read-body.ts'

/** Why a fetch failed. */
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
  /** HTTP status; null if there was no answer. */
  status: number | null
  /** A sentence fragment: `the server refuses connections`. */
  problem: string
  /** Whether the cause may be that this machine has no network. */
  offline: boolean
}

export interface Answer {
  ok: true
  status: number
  headers: Headers
  /** Empty if it was not wanted. */
  body: Buffer
}
/** Looks a header up by its lower-case name. Joins repeated headers with commas; '' if absent. */
export type Headers = (name: string) => string

export interface FetchOptions {
  agent: Agent
  userAgent: string
  accept: string
  totalMs: number
  maxBytes: number
  excess: Excess
  /** Whether the body is needed. */
  wants(answer: { status: number; headers: Headers }): boolean
  signal: AbortSignal
}

/** How much of an unwanted body to read, so that its connection can be reused. */
const dumpBytes = 64 * 1024

/**
 * One GET that follows no redirects. Returns network and server failures. @throws the signal's
 * reason
 */
export async function fetchOnce(url: URL, options: FetchOptions): Promise<Answer | Failure> {
  const { agent, userAgent, accept, totalMs, maxBytes, excess, wants, signal } = options
  signal.throwIfAborted()
  const stop = linkedController(signal)
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
        problem: `no complete answer within ${totalMs / 1000} s`,
      }
    return { ...failure, ...explain(error, maxBytes) }
  } finally {
    clearTimeout(timer)
    stop.unlink()
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
  if (error instanceof LookupTimedOut) return unreachable('the DNS lookup timed out', true)
  if (error instanceof TooLarge)
    return {
      reason: 'too_large',
      problem: `larger than ${(maxBytes / 1024 / 1024).toFixed(0)} MiB`,
      offline: false,
    }
  if (error instanceof Unreadable) return unreachable(error.message)
  const code = errorCode(error)
  if (code === 'ENOTFOUND') return unreachable('its host name does not exist', true)
  if (code === 'EAI_AGAIN' || code === 'EAI_FAIL') return unreachable('the DNS lookup failed', true)
  if (code === 'ENETUNREACH' || code === 'ENETDOWN')
    return unreachable('its network can’t be reached', true)
  if (code === 'EHOSTUNREACH') return unreachable('its server can’t be reached')
  if (code === 'ECONNREFUSED') return unreachable('the server refuses connections')
  if (code === 'UND_ERR_CONNECT_TIMEOUT' || code === 'ETIMEDOUT')
    return {
      reason: 'timeout',
      problem: 'connecting to the server timed out',
      offline: false,
    }
  if (/CERT|SSL|TLS|SIGNATURE|ISSUER/.test(code))
    return unreachable(`its certificate or encryption is invalid (${code})`)
  if (!code) throw error // A bug in this program.
  return unreachable(`the connection broke${code && ` (${code})`}`)
}
