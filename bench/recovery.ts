/**
 * Measures how long a search is interrupted when its worker is killed, with default settings: from
 * SIGKILL until another, idle worker starts the next attempt.
 */
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { v4 as uuid, v7 as uuidV7 } from 'uuid'
import { parseChannelMessage } from '#jobs/redis/announcements.ts'
import { connectRedis } from '#jobs/redis/connect.ts'
import { createJob } from '#jobs/redis/create-job.ts'
import { keys } from '#jobs/redis/keys.ts'
import { openStore } from '#jobs/redis/open-store.ts'
import { buildIndexOfManyShards, everybodysTarget } from '#test/searches/many-shards.ts'
import { log, rounds, spread, withServices } from './measure.ts'
import { startWorkerProcess } from './worker-process.ts'

async function startWorker(
  env: Record<string, string>,
): Promise<{ child: ChildProcess; name: string }> {
  const child = await startWorkerProcess(env)
  return { child, name: `:${child.pid}` }
}

const indexDir = mkdtempSync(join(tmpdir(), 'searchlight-bench-index-'))
await buildIndexOfManyShards(indexDir)
await withServices(async ({ redis: url, database }) => {
  const store = await openStore({
    url,
    namespace: 'sl',
    shards: 1,
    name: 'bench',
    retries: null,
    makeEpoch: uuid,
    log,
  })
  const subscriber = connectRedis(url, {
    name: 'bench-subscriber',
    log,
    retries: null,
    subscriber: true,
  })
  const env = { REDIS_URL: url, DATABASE_URL: database, INDEX_DIR: indexDir, LOG_LEVEL: 'fatal' }
  const workers = [await startWorker(env), await startWorker(env)]
  const seconds: number[] = []
  for (let round = 0; round < rounds(7); round++) {
    const job = {
      id: `0-${uuidV7()}`,
      userId: `user-${round}`,
      search: 'linking-domains',
      input: { domain: everybodysTarget, limit: 10_000 },
    }
    const channel = keys.log({ namespace: 'sl', number: 0 }, job.id)
    await subscriber.subscribe(channel)
    let runner = ''
    let killedAt = 0
    const restarted = new Promise<void>((resolve) => {
      subscriber.on('message', (source, message) => {
        if (source !== channel) return
        const { type, data } = parseChannelMessage(message)
        const event = JSON.parse(data)
        if (type === 'state' && event.attempt === 1) runner = event.worker
        if (type === 'state' && event.attempt === 2) resolve()
        if (type !== 'rows' || killedAt) return
        killedAt = performance.now()
        workers.find(({ name }) => runner.endsWith(name))?.child.kill('SIGKILL')
      })
    })
    await createJob(job, { inAll: 1_000, perUser: null }, store)
    await restarted
    seconds.push((performance.now() - killedAt) / 1000)
    subscriber.removeAllListeners('message')
    const dead = workers.findIndex(({ name }) => runner.endsWith(name))
    workers.splice(dead, 1, await startWorker(env))
  }
  console.log(
    `From SIGKILL of a worker to the next attempt, s: ${spread(seconds, 1)}, ${seconds.length} times`,
  )
  for (const { child } of workers) child.kill('SIGKILL')
  subscriber.disconnect()
  store.redis.disconnect()
})
rmSync(indexDir, { recursive: true })
