import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ChaosEnvironment, openChaosEnvironment } from './chaos-environment.ts'
import { openClient } from './client.ts'
import { type Accepted, judge } from './verdict.ts'

/** `npm test` runs the short form, `npm run chaos` the long one. */
const long = process.env.CHAOS === 'long'
const size = long
  ? { users: 24, jobsPerUser: 12, rounds: Number(process.env.CHAOS_ROUNDS ?? 3) }
  : { users: 12, jobsPerUser: 3, rounds: 1 }
const index = { shards: 160, sites: 600 }
const jobs = size.users * size.jobsPerUser

let environment: ChaosEnvironment
let expectedRows: unknown[]
beforeAll(async () => {
  environment = await openChaosEnvironment({ workers: 3, servers: 2, users: size.users, index })
  expectedRows = await rowsWithoutFaults()
})
afterAll(() => environment.close())

/** The rows of a search that runs without faults. */
async function rowsWithoutFaults(): Promise<unknown[]> {
  const [user] = environment.users
  const [url] = environment.urls
  if (!user || !url) throw new Error('The environment needs a user and a server')
  const client = openClient(user, url)
  const { id, seen } = await client.run()
  client.close()
  expect(seen).toBe('complete')
  const answer = await fetch(`${url}/api/jobs/${id}/rows?limit=5000`, {
    headers: { Authorization: `Bearer ${user.key}` },
  })
  const { rows } = await answer.json()
  expect(rows).toHaveLength(index.sites)
  expect((await judge([{ id, seen }], rows, environment)).problems).toEqual([])
  return rows
}

/**
 * Each user starts searches one by one; each server has half of the users. Injects faults until all
 * searches have ended.
 */
async function underLoad(
  injectFaults: (signal: AbortSignal) => Promise<void>,
): Promise<Accepted[]> {
  const ended = new AbortController()
  const clients = environment.users.map((user, i) =>
    openClient(user, environment.urls[i % environment.urls.length] ?? ''),
  )
  const userRuns = clients.map(async (client) => {
    const ownJobs: Accepted[] = []
    for (let n = 0; n < size.jobsPerUser; n++) ownJobs.push(await client.run())
    return ownJobs
  })
  const accepted = Promise.all(userRuns).finally(() => ended.abort())
  await Promise.all([accepted, injectFaults(ended.signal)])
  for (const client of clients) client.close()
  return (await accepted).flat()
}

/** @returns false when all searches have ended */
const pause = (ms: number, signal: AbortSignal) => delay(ms, true, { signal }).catch(() => false)
const randomTwo = <Thing>(things: readonly Thing[]): Thing[] =>
  things.toSorted(() => Math.random() - 0.5).slice(0, 2)

async function killWorkers(signal: AbortSignal): Promise<void> {
  while (await pause(1_000, signal)) {
    await Promise.all(
      randomTwo(environment.workers()).map((worker) => environment.endWorker(worker, 'SIGKILL')),
    )
    await Promise.all([environment.addWorker(), environment.addWorker()])
  }
}

/**
 * Suspends two workers until another worker has taken over one of their searches. They then resume
 * within that search.
 */
async function suspendWorkers(signal: AbortSignal): Promise<void> {
  while (await pause(1_000, signal)) {
    const suspended = randomTwo(environment.workers())
    for (const worker of suspended) worker.kill('SIGSTOP')
    await Promise.race([environment.takeover(), delay(60_000, null, { signal }).catch(() => {})])
    for (const worker of suspended) worker.kill('SIGCONT')
  }
}

async function killRedis(signal: AbortSignal): Promise<void> {
  while (await pause(3_000, signal)) {
    await environment.killRedis()
    await delay(500)
    await environment.startRedis()
  }
}

async function restartPostgres(signal: AbortSignal): Promise<void> {
  while (await pause(2_000, signal)) await environment.restartPostgres(() => delay(1_500))
}

async function cutConnections(signal: AbortSignal): Promise<void> {
  for (let cuts = 0; cuts < 100 && (await pause(100, signal)); cuts++)
    await environment.cutConnections()
}

async function restartWorkersInTurn(signal: AbortSignal): Promise<void> {
  while (await pause(500, signal)) {
    const [oldest] = environment.workers()
    await environment.addWorker()
    if (oldest) await environment.endWorker(oldest, 'SIGTERM')
  }
}

async function severalAtOnce(signal: AbortSignal): Promise<void> {
  await Promise.all([
    killWorkers(signal),
    cutConnections(signal),
    killRedis(signal),
    restartPostgres(signal),
  ])
}

const losesWorkers = new Set([killWorkers, suspendWorkers, severalAtOnce])
const interrupts = new Set([...losesWorkers, restartWorkersInTurn])
const scenarios = {
  'workers are killed at random': killWorkers,
  'workers are suspended until another takes over, then resume': suspendWorkers,
  'Redis is killed and restarted': killRedis,
  'PostgreSQL is restarted': restartPostgres,
  'all connections to Redis are cut every 100 ms': cutConnections,
  'workers are restarted one by one': restartWorkersInTurn,
  'workers, connections, Redis and PostgreSQL fail at once': severalAtOnce,
}

describe.each(Array.from({ length: size.rounds }, (_, i) => i + 1))(
  'round %i: nothing is lost, duplicated or left behind when',
  (round) => {
    test.each(Object.entries(scenarios))('%s', async (name, injectFaults) => {
      const startedAt = performance.now()
      const findings = await judge(await underLoad(injectFaults), expectedRows, environment)
      printResult(round, name, findings, startedAt)
      expect(findings.problems).toEqual([])
      expect(findings.jobs).toBe(jobs)
      // A search that loses two workers ends in error. No other fault ends one.
      if (!losesWorkers.has(injectFaults)) expect(findings.complete).toBe(jobs)
      if (interrupts.has(injectFaults)) expect(findings.interrupted).toBeGreaterThan(0)
    })

    test('jobs queue up while no worker runs', async () => {
      const startedAt = performance.now()
      for (const worker of environment.workers()) await environment.endWorker(worker, 'SIGKILL')
      const accepted = underLoad(async () => {
        await delay(2_000)
        for (let i = 0; i < 3; i++) await environment.addWorker()
      })
      const findings = await judge(await accepted, expectedRows, environment)
      printResult(round, 'jobs queue up while no worker runs', findings, startedAt)
      expect(findings.problems).toEqual([])
      expect(findings.complete).toBe(jobs)
    })
  },
)

function printResult(
  round: number,
  name: string,
  { problems, ...counts }: Awaited<ReturnType<typeof judge>>,
  startedAt: number,
): void {
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
  const parts = Object.entries({ ...counts, problems: problems.length }).map(
    ([counter, count]) => `${counter} ${count}`,
  )
  process.stdout.write(`chaos ${round}, ${name}: ${parts.join(', ')}, ${seconds} s\n`)
}
