/** How long the parts of a request may take, so that an answer comes within `answerWithinMs`. */
export interface TimeLimits {
  redisCommandMs: number
  postgres: { connectionMs: number; queryMs: number }
  /** A request that is not answered after this is answered with the reason, which takes a check. */
  requestMs: number
  /** How long a check may wait for Redis and PostgreSQL. */
  checkMs: number
}

const longestCheckMs = 1_400

/**
 * Divides the time of a request. The first call to a part that hangs ends the request, so each call
 * gets much of the time; several slow calls in a row are ended by `requestMs`.
 */
export function timeLimits(answerWithinMs: number): TimeLimits {
  const share = (of: number) => Math.round(answerWithinMs * of)
  return {
    redisCommandMs: share(0.55),
    postgres: { connectionMs: share(0.45), queryMs: share(0.65) },
    requestMs: share(0.7),
    checkMs: Math.min(longestCheckMs, share(0.3)),
  }
}
