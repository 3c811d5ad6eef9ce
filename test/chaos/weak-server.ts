import { connectRedis } from '#jobs/redis/connect.ts'
import { keys } from '#jobs/redis/keys.ts'
import { readJob } from '#jobs/redis/read-job.ts'
import { Hub, type JobReader } from '#server/live/hub.ts'
import { jobLedger } from '#server/live/job-ledger.ts'
import { quietLog } from '#test/quiet-log.ts'

/**
 * A server with the weakness in its live delivery that `WEAKNESS` names. It tests
 * live-delivery.test.ts, which must detect both weaknesses.
 */
if (process.env.WEAKNESS === 'no position check') Hub.prototype.startChecking = () => {}
else if (process.env.WEAKNESS === 'plain pub/sub') deliverPlainly(process.env.REDIS_URL ?? '')
else throw new Error(`Unknown WEAKNESS: ${process.env.WEAKNESS}`)

/** Answers a watch by reading the job, and then forwards channel messages without any check. */
function deliverPlainly(redisUrl: string): void {
  const connect = (name: string) => connectRedis(redisUrl, { name, log: quietLog, retries: null })
  const store = { redis: connect('plain'), namespace: 'sl', shards: 1 }
  const subscriber = connect('plain-subscriber')
  const readers = new Map<string, Set<JobReader>>()
  const ledgerOf = (id: string) =>
    jobLedger(id, { store, read: (jobId, since) => readJob(jobId, since, store) })
  const channel = (id: string) => keys.log({ namespace: 'sl', number: 0 }, id)

  subscriber.on('message', (name, message) => {
    const id = name.slice(channel('').length)
    const ledger = ledgerOf(id)
    for (const reader of readers.get(id) ?? [])
      if (ledger) reader.event(ledger.parse(message).event)
  })
  Hub.prototype.watch = async (reader, id, since, answer) => {
    const watching = readers.get(id) ?? new Set()
    readers.set(id, watching)
    await subscriber.subscribe(channel(id))
    if (answer((await ledgerOf(id)?.read(since)) ?? null)) watching.add(reader)
  }
  Hub.prototype.unwatch = (reader, id) => void readers.get(id)?.delete(reader)
}

await import('../server/api-process.ts')
