import { utimes } from 'node:fs/promises'
import { hostname } from 'node:os'
import { z } from 'zod'

/**
 * A process that holds a file: the build lock, or the lease of a reader. `startedAt` tells
 * processes with the same number apart: containers hand out the same few again.
 */
export const Holder = z.object({
  pid: z.number().int().positive(),
  startedAt: z.number(),
  hostname: z.string(),
})
export type Holder = z.infer<typeof Holder>

export const thisProcess: Holder = {
  pid: process.pid,
  startedAt: performance.timeOrigin,
  hostname: hostname(),
}

const renewEveryMs = 5_000
/** So long without a sign of life, and a process of another machine is given up. */
const deadAfterMs = 60_000

/** @returns null for what was not written by us. */
export function readHolder(text: string): Holder | null {
  try {
    return Holder.safeParse(JSON.parse(text)).data ?? null
  } catch {
    return null
  }
}

/**
 * @param renewedAt the file's mtime, in ms since 1970: all that can be known of a process of
 * another machine.
 */
export function isAlive({ pid, startedAt, hostname }: Holder, renewedAt: number): boolean {
  if (hostname !== thisProcess.hostname) return isFresh(renewedAt)
  if (pid === process.pid) return startedAt === thisProcess.startedAt
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return isCode(error, 'EPERM') // Alive, and someone else's.
  }
}

export function isFresh(renewedAt: number): boolean {
  return Date.now() - renewedAt < deadAfterMs
}

/**
 * Renews the file's mtime, so that other machines see that its holder lives.
 * @returns what stops that.
 */
export function keepFresh(file: string): () => void {
  const renewing = setInterval(() => {
    const now = new Date()
    utimes(file, now, now).catch(() => {}) // Someone deleted it by hand; whoever holds it finds out by other means.
  }, renewEveryMs)
  renewing.unref()
  return () => clearInterval(renewing)
}

export function isCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && codes.some((code) => code === error.code)
}
