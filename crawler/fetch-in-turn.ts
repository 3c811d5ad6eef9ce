import type { Agent } from 'undici'
import { type Answer, type Failure, fetchOnce, type Headers } from './fetch-once.ts'
import { type HostTurns, inTurn } from './host-turns.ts'
import type { Limits } from './limits.ts'
import type { Excess } from './read-body.ts'
import { hostOf } from './web-url.ts'

/** What a crawl or a verification fetches with, from its beginning to its end. */
export interface Session {
  agent: Agent
  turns: HostTurns
  limits: Limits
  userAgent: string
  now(): Date
  signal: AbortSignal
}

export interface Wish {
  accept: string
  maxBytes: number
  excess: Excess
  wants(answer: { status: number; headers: Headers }): boolean
  /** Pause behind the request. */
  gapMs: number
}

/** `busy`: the server has asked for a longer pause than we wait, so it should be left alone. */
export type TurnOutcome = (Answer | Failure) & { busy?: string }

/**
 * One GET when it is our turn at the host; a server that is busy (429, 503) is given the time that
 * it asks for.
 */
export async function fetchInTurn(url: URL, wish: Wish, session: Session): Promise<TurnOutcome> {
  const { turns, limits, signal, userAgent, agent } = session
  const host = hostOf(url)
  for (let tries = 0; ; tries++) {
    const outcome = await inTurn(
      turns,
      { host, longestMs: limits.totalMs, gapMs: wish.gapMs, signal },
      async () => {
        const answer = await fetchOnce(url, {
          ...wish,
          agent,
          userAgent,
          totalMs: limits.totalMs,
          signal,
        })
        const pauseMs = pauseAskedBy(answer, tries, session)
        return {
          result: { answer, pauseMs },
          gapMs: Math.max(wish.gapMs, Math.min(pauseMs ?? 0, limits.maxRetryAfterMs)),
        }
      },
    )
    const { answer, pauseMs } = outcome
    if (pauseMs === null) return answer
    if (pauseMs > limits.maxRetryAfterMs)
      return {
        ...answer,
        busy: `it asks not to be visited for ${Math.round(pauseMs / 1000).toLocaleString('en')} s`,
      }
    if (tries >= limits.backoffMs.length) return answer
  }
}

/** @returns null for a server that isn't busy. */
function pauseAskedBy(
  answer: Answer | Failure,
  tries: number,
  { limits, now }: Session,
): number | null {
  if (!answer.ok || (answer.status !== 429 && answer.status !== 503)) return null
  const asked = answer.headers('retry-after').trim()
  if (/^\d+$/.test(asked)) return Number(asked) * 1000
  const until = Date.parse(asked)
  if (!Number.isNaN(until)) return Math.max(0, until - now().getTime())
  return limits.backoffMs[tries] ?? 0
}
