import { utimes } from 'node:fs/promises'

const renewEveryMs = 5_000
/** A process on another machine counts as dead after this long without a heartbeat. */
const deadAfterMs = 60_000

/**
 * Renews a file's mtime regularly, so that other machines see that its owner is alive.
 * @returns a function that stops the heartbeat
 */
export function keepFresh(file: string): () => void {
  const renewing = setInterval(() => {
    const now = new Date()
    utimes(file, now, now).catch(() => {}) // Deleted by hand; not the heartbeat's concern.
  }, renewEveryMs)
  renewing.unref()
  return () => clearInterval(renewing)
}

/** @param renewedAt a file's mtime, in ms since 1970. */
export function isFresh(renewedAt: number): boolean {
  return Date.now() - renewedAt < deadAfterMs
}
