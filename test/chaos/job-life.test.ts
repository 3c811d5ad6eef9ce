import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openClient } from './client.ts'
import { type Ground, openGround } from './ground.ts'
import { type Accepted, judge } from './verdict.ts'

/** `npm test` runs the short form, `npm run chaos` the long one. */
const long = process.env.CHAOS === 'long'
const size = long
  ? { users: 24, jobsPerUser: 12, rounds: Number(process.env.CHAOS_ROUNDS ?? 3) }
  : { users: 12, jobsPerUser: 3, rounds: 1 }
const index = { shards: 160, sites: 600 }
const jobs = size.users * size.jobsPerUser

let ground: Ground
let expectedRows: unknown[]
beforeAll(async () => {
  ground = await openGround({ workers: 3, servers: 2, users: size.users, index })
  expectedRows = await undisturbedRows()
})
afterAll(() => ground.close())

/** What a search finds when nothing is done to it. */
async function undisturbedRows(): Promise<unknown[]> {
  const [user] = ground.people
  const [url] = ground.urls
  if (!user || !url) throw new Error('Nobody is there')
  const client = openClient(user, url)
  const { id, seen } = await client.run()
  client.close()
  expect(seen).toBe('complete')
  const answer = await fetch(`${url}/api/jobs/${id}/rows?limit=5000`, {
    headers: { Authorization: `Bearer ${user.key}` },
  })
  const { rows } = await answer.json()
  expect(rows).toHaveLength(index.sites)
  expect((await judge([{ id, seen }], rows, ground)).problems).toEqual([])
  return rows
}

/**
 * Every user starts one search after the other, half of them over each server; the mischief goes on
 * until all have ended.
 */
async function underLoad(mischief: (running: AbortSignal) => Promise<void>): Promise<Accepted[]> {
  const over = new AbortController()
  const clients = ground.people.map((user, i) =>
    openClient(user, ground.urls[i % ground.urls.length] ?? ''),
  )
  const running = clients.map(async (client) => {
    const mine: Accepted[] = []
    for (let n = 0; n < size.jobsPerUser; n++) mine.push(await client.run())
    return mine
  })
  const accepted = Promise.all(running).finally(() => over.abort())
  await Promise.all([accepted, mischief(over.signal)])
  for (const client of clients) client.close()
  return (await accepted).flat()
}

/** @returns false when all is over */
const pause = (ms: number, running: AbortSignal) =>
  delay(ms, true, { signal: running }).catch(() => false)
const twoOf = <Thing>(things: readonly Thing[]): Thing[] =>
  things.toSorted(() => Math.random() - 0.5).slice(0, 2)

async function killWorkers(running: AbortSignal): Promise<void> {
  while (await pause(1_000, running)) {
    await Promise.all(twoOf(ground.workers()).map((worker) => ground.endWorker(worker, 'SIGKILL')))
    await Promise.all([ground.addWorker(), ground.addWorker()])
  }
}

/**
 * Until another worker has taken over one of their searches: they wake up in the midst of the same
 * one.
 */
async function stopWorkersForAWhile(running: AbortSignal): Promise<void> {
  while (await pause(1_000, running)) {
    const stopped = twoOf(ground.workers())
    for (const worker of stopped) worker.kill('SIGSTOP')
    await Promise.race([
      ground.takenOver(),
      delay(60_000, null, { signal: running }).catch(() => {}),
    ])
    for (const worker of stopped) worker.kill('SIGCONT')
  }
}

async function killRedis(running: AbortSignal): Promise<void> {
  while (await pause(3_000, running)) {
    await ground.killRedis()
    await delay(500)
    await ground.startRedis()
  }
}

async function restartPostgres(running: AbortSignal): Promise<void> {
  while (await pause(2_000, running)) await ground.restartPostgres(() => delay(1_500))
}

async function cutConnections(running: AbortSignal): Promise<void> {
  for (let cuts = 0; cuts < 100 && (await pause(100, running)); cuts++)
    await ground.cutConnections()
}

async function restartWorkersInTurn(running: AbortSignal): Promise<void> {
  while (await pause(500, running)) {
    const [oldest] = ground.workers()
    await ground.addWorker()
    if (oldest) await ground.endWorker(oldest, 'SIGTERM')
  }
}

async function everythingAtOnce(running: AbortSignal): Promise<void> {
  await Promise.all([
    killWorkers(running),
    cutConnections(running),
    killRedis(running),
    restartPostgres(running),
  ])
}

const losesWorkers = new Set([killWorkers, stopWorkersForAWhile, everythingAtOnce])
const interrupts = new Set([...losesWorkers, restartWorkersInTurn])
const mischiefs = {
  'workers are killed at random': killWorkers,
  'workers are stopped past their lock and wake up again': stopWorkersForAWhile,
  'Redis is killed and started again': killRedis,
  'PostgreSQL is restarted': restartPostgres,
  'all connections to Redis are cut every 100 ms': cutConnections,
  'workers are restarted in turn': restartWorkersInTurn,
  'all of this happens at once': everythingAtOnce,
}

describe.each(Array.from({ length: size.rounds }, (_, i) => i + 1))(
  'round %i: nothing is lost, doubled or left behind when',
  (round) => {
    test.each(Object.entries(mischiefs))('%s', async (name, mischief) => {
      const began = performance.now()
      const findings = await judge(await underLoad(mischief), expectedRows, ground)
      tell(round, name, findings, began)
      expect(findings.problems).toEqual([])
      expect(findings.jobs).toBe(jobs)
      // A search that loses two workers ends in error; nothing else here ends one.
      if (!losesWorkers.has(mischief)) expect(findings.complete).toBe(jobs)
      if (interrupts.has(mischief)) expect(findings.interrupted).toBeGreaterThan(0)
    })

    test('the queue fills while no worker lives', async () => {
      const began = performance.now()
      for (const worker of ground.workers()) await ground.endWorker(worker, 'SIGKILL')
      const accepted = underLoad(async () => {
        await delay(2_000)
        for (let i = 0; i < 3; i++) await ground.addWorker()
      })
      const findings = await judge(await accepted, expectedRows, ground)
      tell(round, 'the queue fills while no worker lives', findings, began)
      expect(findings.problems).toEqual([])
      expect(findings.complete).toBe(jobs)
    })
  },
)

function tell(
  round: number,
  name: string,
  { problems, ...counts }: Awaited<ReturnType<typeof judge>>,
  began: number,
): void {
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  const told = Object.entries({ ...counts, problems: problems.length }).map(
    ([what, count]) => `${what} ${count}`,
  )
  process.stdout.write(`chaos ${round}, ${name}: ${told.join(', ')}, ${seconds} s\n`)
}
