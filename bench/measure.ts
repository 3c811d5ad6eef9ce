import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Log } from '#jobs/log.ts'
import { ensurePostgres, stopPostgres } from '#local/services/postgres.ts'
import { ensureRedis, stopRedis } from '#local/services/redis.ts'

/** Prints warnings and errors only. */
export const log: Log = {
  info() {},
  warn: (data, message) => console.error(message, data),
  error: (data, message) => console.error(message, data),
}

/**
 * Starts a Redis and a PostgreSQL for the benchmark, set up like those of `npm start`, and removes
 * them afterwards.
 */
export async function withServices<Result>(
  measure: (urls: { redis: string; database: string }) => Promise<Result>,
): Promise<Result> {
  const dataDir = mkdtempSync(join(tmpdir(), 'searchlight-bench-'))
  chmodSync(dataDir, 0o711)
  const [redis, postgres] = [await ensureRedis({ dataDir }), await ensurePostgres({ dataDir })]
  try {
    return await measure({ redis: redis.url, database: postgres.url })
  } finally {
    await Promise.all([stopRedis(redis), stopPostgres(postgres)])
    rmSync(dataDir, { recursive: true, force: true })
  }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2
}

/** Formats the median, the minimum and the maximum. */
export function spread(values: readonly number[], digits = 0): string {
  return `${median(values).toFixed(digits)} (${Math.min(...values).toFixed(digits)}–${Math.max(...values).toFixed(digits)})`
}

/** Runs a task `count` times, up to `concurrency` at once. */
export async function manyTimes(
  count: number,
  concurrency: number,
  task: (i: number) => Promise<unknown>,
): Promise<void> {
  let next = 0
  const lane = async () => {
    while (next < count) await task(next++)
  }
  await Promise.all(Array.from({ length: concurrency }, lane))
}

export function rounds(defaultRounds: number): number {
  return Number(process.env.ROUNDS ?? defaultRounds)
}
