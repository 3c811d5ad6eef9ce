import { chmod, mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { v4 as uuid } from 'uuid'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { startJob, writeRun } from '#jobs/redis/attempt.ts'
import { connectRedis } from '#jobs/redis/connect.ts'
import { renewEpochs } from '#jobs/redis/epoch.ts'
import { keys } from '#jobs/redis/keys.ts'
import type { JobStore } from '#jobs/redis/store.ts'
import { TrackedRun } from '#jobs/tracked-run.ts'
import { ensureRedis, stopRedis } from '#local/services/redis.ts'
import { quietLog } from '#test/quiet-log.ts'
import { delivery, newJob, newRef } from '../jobs/job-fixture.ts'
import { readStrictly } from './read-strictly.ts'

/** Many runs write as fast as they can, over connections that are cut again and again. */
const runs = 300
const rowsPerRun = process.env.CHAOS === 'long' ? 20_000 : 4_000

let service: Awaited<ReturnType<typeof ensureRedis>>
let observer: ReturnType<typeof connectRedis>
beforeAll(async () => {
  const dataDir = await mkdtemp(join(inject('runDir'), 'writes-'))
  await chmod(dataDir, 0o711)
  service = await ensureRedis({ dataDir })
  observer = connectRedis(service.url, { name: 'observer', log: quietLog, retries: null })
})
afterAll(async () => {
  observer.disconnect()
  await stopRedis(service)
})

test('cuts every 100 ms neither lose, duplicate nor reorder writes', async () => {
  const writers: JobStore[] = Array.from({ length: 3 }, (_, i) => ({
    redis: connectRedis(service.url, { name: `writer-${i}`, log: quietLog, retries: null }),
    namespace: 'sl',
    shards: 1,
  }))
  const [store] = writers
  if (!store) throw new Error('There is no writer')
  await renewEpochs(uuid, store)

  const finished = new AbortController()
  const cutting = cutConnections(finished.signal)
  const ids = await Promise.all(
    Array.from({ length: runs }, (_, i) => runOne(writers[i % writers.length] ?? store)),
  )
  finished.abort()
  const cuts = await cutting

  const problems: string[] = []
  for (const id of ids) {
    const report = (problem: string) => problems.push(`${id}: ${problem}`)
    const log = await observer.lrange(keys.log({ namespace: 'sl', number: 0 }, id), 0, '-1')
    const { ending, rows } = readStrictly(log, report)
    if (ending !== 'complete' || JSON.stringify(rows) !== wholeRun)
      report(`it ends as ${ending} with ${rows.length} of ${rowsPerRun} rows`)
  }
  process.stdout.write(
    `chaos, writes: ${runs} runs of ${rowsPerRun} rows, ${cuts} cuts, problems ${problems.length}\n`,
  )
  expect(problems).toEqual([])
  expect(cuts).toBeGreaterThan(3)
  for (const { redis } of writers) redis.disconnect()
})

const wholeRun = JSON.stringify(Array.from({ length: rowsPerRun }, (_, n) => ({ n })))

async function runOne(store: JobStore): Promise<string> {
  const ref = await newJob(store, newRef())
  const started = await startJob(delivery(ref), store)
  expect(started).not.toBeNull()
  const run = new TrackedRun(1, {
    write: (write) => writeRun(ref, write, store),
    onRefused() {},
    signal: new AbortController().signal,
  })
  // Awaits a write every 20 rows: as many writes as a search makes that is slower than Redis.
  for (let n = 0; n < rowsPerRun; n++) {
    await run.add({ n })
    if (n % 20 === 19) await run.flush()
  }
  await run.complete()
  return ref.id
}

async function cutConnections(signal: AbortSignal): Promise<number> {
  let cuts = 0
  while (await delay(100, true, { signal }).catch(() => false)) {
    await observer.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes')
    cuts++
  }
  return cuts
}
