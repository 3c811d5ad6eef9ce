import type { Agent } from 'undici'
import { type Answer, type Failure, fetchOnce, type Headers } from './fetch-once.ts'
import { type HostLeases, withHostLease } from './host-leases.ts'
import type { Limits } from './limits.ts'
import type { Excess } from './read-body.ts'
import { hostOf } from './web-url.ts'

/** The environment of one crawl or verification. */
export interface Session {
  agent: Agent
  leases: HostLeases
  limits: Limits
  userAgent: string
  now(): Date
  signal: AbortSignal
}

export interface FetchRequest {
  accept: string
  maxBytes: number
  excess: Excess
  /** Whether the body is needed. */
  wants(answer: { status: number; headers: Headers }): boolean
  /** The pause after the request. */
  gapMs: number
}

/** `busy`: why to stop visiting the server: it asks for a longer pause than allowed. */
export type PoliteAnswer = (Answer | Failure) & { busy?: string }

/**
 * One GET under the lease of the host. Retries a busy server (429, 503) after the pause that it
 * asks for.
 */
export async function politeFetch(
  url: URL,
  request: FetchRequest,
  session: Session,
): Promise<PoliteAnswer> {
  const { leases, limits, signal, userAgent, agent } = session
  const { totalMs, maxRetryAfterMs, backoffMs } = limits
  const lease = { host: hostOf(url), maxTaskMs: totalMs, gapMs: request.gapMs, signal }
  for (let retries = 0; ; retries++) {
    const { answer, pauseMs } = await withHostLease(leases, lease, async () => {
      const answer = await fetchOnce(url, { ...request, agent, userAgent, totalMs, signal })
      const pauseMs = requestedPauseMs(answer, retries, session)
      return {
        result: { answer, pauseMs },
        gapMs: Math.max(request.gapMs, Math.min(pauseMs ?? 0, maxRetryAfterMs)),
      }
    })
    if (pauseMs === null) return answer
    if (pauseMs > maxRetryAfterMs) {
      const seconds = Math.round(pauseMs / 1000).toLocaleString('en')
      return { ...answer, busy: `it asks for a pause of ${seconds} s` }
    }
    if (retries >= backoffMs.length) return answer
  }
}

/** @returns null if the server isn't busy. */
function requestedPauseMs(
  answer: Answer | Failure,
  retries: number,
  { limits, now }: Session,
): number | null {
  if (!answer.ok || (answer.status !== 429 && answer.status !== 503)) return null
  const retryAfter = answer.headers('retry-after').trim()
  if (/^\d+$/.test(retryAfter)) return Number(retryAfter) * 1000
  const until = Date.parse(retryAfter)
  if (!Number.isNaN(until)) return Math.max(0, until - now().getTime())
  return limits.backoffMs[retries] ?? 0
}
