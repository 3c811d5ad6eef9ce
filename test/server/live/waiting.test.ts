import { v7 as uuidV7 } from 'uuid'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { startJob } from '#jobs/redis/attempt.ts'
import { connectRedis } from '#jobs/redis/connect.ts'
import { endJob } from '#jobs/redis/end-job.ts'
import { keys } from '#jobs/redis/keys.ts'
import { countedJobs, positionsOf } from '#jobs/redis/queue-positions.ts'
import { readJob } from '#jobs/redis/read-job.ts'
import type { JobRef, JobStore } from '#jobs/redis/store.ts'
import { removeWorker, reportWorker } from '#jobs/redis/worker-registry.ts'
import type { Waiting } from '#jobs/waiting.ts'
import { waitingOf } from '#jobs/waiting.ts'
import { waitingPhrase } from '#protocol/client/waiting-phrase.ts'
import { WaitingFrame } from '#protocol/frames.ts'
import { Hub } from '#server/live/hub.ts'
import { Subscriber } from '#server/live/subscriber.ts'
import type { WaitingReader } from '#server/live/waiting-watch.ts'
import { delivery, jobIn, newJob, newRef, openStore } from '../../jobs/job-fixture.ts'
import { quietLog } from '../../quiet-log.ts'
import { redisUrl } from '../../services.ts'
import { apiClient, connectSocket, makePeople, testEnvironment } from '../server-fixture.ts'
import { startServer } from '../start-server.ts'

let environment: Awaited<ReturnType<typeof testEnvironment>>['environment']
let drop: () => Promise<void>
let server: Awaited<ReturnType<typeof startServer>>
let people: Awaited<ReturnType<typeof makePeople>>
let store: JobStore

beforeAll(async () => {
  ;({ environment, drop } = await testEnvironment('/nonexistent'))
  server = await startServer(environment)
  people = await makePeople(environment.DATABASE_URL, environment.AUTH_SECRET, server.url)
  const redis = connectRedis(environment.REDIS_URL, { name: 'test', log: quietLog, retries: null })
  store = { redis, namespace: environment.REDIS_PREFIX, shards: 1 }
})
afterAll(async () => {
  await server.close()
  store.redis.disconnect()
  await drop()
})

type Person = keyof typeof people
const request = { search: 'linking-domains', input: { domain: 'example.com' } }
async function start(person: Person): Promise<string> {
  const { body } = await apiClient(server.url, people[person].key)('POST', '/api/jobs', request)
  return body.job.id
}
const cancel = (person: Person, id: string) =>
  apiClient(server.url, people[person].key)('POST', `/api/jobs/${id}/cancel`)

/** Watches a waiting job; `latest` is what the server said last. */
async function watch(person: Person, id: string) {
  const socket = await connectSocket(server.url, people[person].key)
  const said: Waiting[] = []
  socket.on('waiting', (frame) => {
    const { id: of, ...waiting } = WaitingFrame.parse(frame)
    if (of === id) said.push(waiting)
  })
  await socket.emitWithAck('watch', { jobs: [{ id }] })
  return { latest: () => said.at(-1), said, close: () => socket.disconnect() }
}

const worker = (name: string) => ({
  name,
  version: '1.0.0',
  startedAt: '2026-01-01T00:00:00.000Z',
  rssBytes: 0,
  searches: [{ name: 'linking-domains', slots: 2 }],
  running: [],
})

test('a waiting job says how many are ahead and why nothing starts, as it changes', async () => {
  const [first, second] = [await start('admin'), await start('user')]
  const watching = await watch('user', second)
  const other = await watch('user', second)
  try {
    await expect.poll(watching.latest).toMatchObject({ ahead: 1, more: false, reason: 'no_worker' })
    await reportWorker(worker('a:1'), store)
    await expect.poll(watching.latest).toMatchObject({ ahead: 1, reason: null })
    const admin = apiClient(server.url, people.admin.key)
    await admin('POST', '/api/admin/queue/pause?search=linking-domains')
    await expect.poll(watching.latest).toMatchObject({ reason: 'paused' })
    await admin('POST', '/api/admin/queue/resume')
    await expect.poll(watching.latest).toMatchObject({ ahead: 1, reason: null })
    await cancel('admin', first)
    await expect.poll(watching.latest).toMatchObject({ ahead: 0 })
    await removeWorker('a:1', store)
    await expect.poll(watching.latest).toMatchObject({ reason: 'no_worker' })
    await expect.poll(other.latest).toEqual(watching.latest())
  } finally {
    watching.close()
    other.close()
    await cancel('user', second)
  }
})

/** The text of a job's event stream up to `wanted`, or to its end. */
async function readStream(id: string, query: string, wanted: string): Promise<string> {
  const stop = new AbortController()
  const response = await fetch(`${server.url}/api/jobs/${id}/events${query}`, {
    headers: { Authorization: `Bearer ${people.other.key}` },
    signal: stop.signal,
  })
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk)
    if (text.includes(wanted)) break
  }
  stop.abort()
  return text
}

test('an event stream says so too, if it was asked for', async () => {
  const id = await start('other')
  const asking = await readStream(id, '?waiting=true', 'event: waiting')
  expect(asking).toMatch(/\nevent: waiting\ndata: \{"ahead":0,/)
  // A client that knows only numbered events and progress gets nothing else, however long it waits.
  const plain = readStream(id, '', 'never')
  await readStream(id, '?waiting=true', 'event: waiting')
  await cancel('other', id)
  expect([...(await plain).matchAll(/^event: (.*)$/gm)].map(([, type]) => type)).toEqual([
    'state',
    'state',
  ])
  const wrong = await readStream(id, '?waiting=perhaps', 'never')
  expect(JSON.parse(wrong)).toMatchObject({ error: { code: 'invalid_input' } })
})

test('places are counted from the front of the queue, up to a limit', async () => {
  const own = await openStore()
  try {
    const refs: JobRef[] = []
    for (let i = 0; i < countedJobs + 3; i++)
      refs.push(await newJob(own, { id: `0-${uuidV7()}`, userId: `user-${i}`, search: 'a' }))
    const shard = { namespace: own.namespace, number: 0 }
    const ids = [0, 1, countedJobs - 1, countedJobs].map((i) => refs[i]?.id ?? '')
    const places = await positionsOf([...ids, 'none'], 'a', shard, own)
    expect(places).toEqual({ paused: false, ahead: [0, 1, countedJobs - 1, -1, -1] })
    await own.redis.rpop(`${keys.queues(shard)}:a:wait`)
    expect((await positionsOf(ids, 'a', shard, own)).ahead).toEqual([
      -1,
      0,
      countedJobs - 2,
      countedJobs - 1,
    ])
  } finally {
    own.close()
  }
})

test.each([
  [0, 2, 60_000, 30_000, 'Next in line. It starts in about 30 seconds.'],
  [5, 2, 60_000, 150_000, '5 searches are ahead. It starts in about 3 minutes.'],
  [1, 4, null, null, '1 search is ahead.'],
])('%i ahead, %i slots, %s ms each', (ahead, slots, typicalMs, startsInMs, words) => {
  const waiting = waitingOf(ahead, false, { paused: false, slots, typicalMs })
  expect(waiting.startsInMs).toBe(startsInMs)
  expect(waitingPhrase(waiting)).toBe(words)
})

/** A watch whose looks at a queue wait until the test lets them go on. */
async function openWatch(shards = 1) {
  const own = await openStore(undefined, shards)
  const redis = connectRedis(redisUrl(), {
    name: own.namespace,
    log: quietLog,
    retries: null,
    subscriber: true,
  })
  const subscriber = new Subscriber(redis, quietLog)
  const looks: (() => void)[] = []
  const hub = new Hub({
    store: own,
    subscriber,
    read: (id, since) => readJob(id, since, own),
    typicalMs: () => new Promise((resolve) => looks.push(() => resolve(null))),
    log: quietLog,
  })
  onTestFinished(() => {
    hub.stopChecking()
    subscriber.close()
    own.close()
  })
  const openReader = async (id: string) => {
    const said: string[] = []
    const reader: WaitingReader = {
      event: ({ type, seq }) => said.push(`${type} ${seq}`),
      resync: () => said.push('resync'),
      closed: () => said.push('closed'),
      waiting: (_id, { ahead }) => said.push(`waiting, ${ahead} ahead`),
    }
    await hub.watch(reader, id, null, (reading) => {
      if (reading) hub.waiting.watch(reader, reading.state)
      return true
    })
    const leave = () => {
      hub.unwatch(reader, id)
      hub.waiting.unwatch(reader, id)
    }
    return { said, leave }
  }
  const nextLook = async () => {
    await expect.poll(() => looks.length).toBeGreaterThan(0)
    // Its place was read over the same connection, before this answer.
    await own.redis.ping()
    return looks.shift() ?? (() => {})
  }
  return { store: own, openReader, nextLook }
}

test('a place that was read before the start is not told after it', async () => {
  const { store: own, openReader, nextLook } = await openWatch()
  const ref = await newJob(own)
  const { said } = await openReader(ref.id)
  const goOn = await nextLook()
  await startJob(delivery(ref), own)
  await expect.poll(() => said).toEqual(['state 2'])
  goOn()
  ;(await nextLook())()
  await own.redis.ping()
  expect(said).toEqual(['state 2'])
})

test('the end of one watch does not end the next of the same queue', async () => {
  const { store: own, openReader, nextLook } = await openWatch()
  const [first, second] = [await newJob(own), await newJob(own)]
  const { leave } = await openReader(first.id)
  ;(await nextLook())()
  await endJob(await jobIn(own, first.id), { state: 'cancelled', message: 'Cancelled.' }, own)
  const queue = `${keys.queues({ namespace: own.namespace, number: 0 })}:${first.search}:wait`
  await own.redis.lrem(queue, 0, first.id)
  const goOn = await nextLook()
  leave()
  const { said } = await openReader(second.id)
  goOn()
  ;(await nextLook())()
  await expect.poll(() => said).toEqual(['waiting, 0 ahead'])
  const moved = keys.moved({ namespace: own.namespace, number: 0 }, first.search)
  expect(await own.redis.pubsub('NUMSUB', moved)).toEqual([moved, 1])
})

test('jobs of other shards count too: free slots go to the shards in turn', async () => {
  const { store: own, openReader, nextLook } = await openWatch(3)
  const inShard = (number: number, count: number) =>
    Promise.all(
      Array.from({ length: count }, () =>
        newJob(own, { ...newRef('keywords'), id: `${number}-${uuidV7()}` }),
      ),
    )
  await inShard(1, 1)
  await inShard(2, 4)
  await inShard(0, 2)
  const [last] = await inShard(0, 1)
  const { said } = await openReader(last?.id ?? '')
  ;(await nextLook())()
  await expect.poll(() => said).toEqual(['waiting, 5 ahead'])
})
