import { setTimeout as delay } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import type { Cells, Row } from '#jobs/define-search.ts'
import { isLive } from '#jobs/lifecycle.ts'
import { OneJob } from '#protocol/answers.ts'
import { apiAt } from '#protocol/client/call-api.ts'
import { firstHole, type JobView, viewOf } from '#protocol/client/job-view.ts'
import { JobWatcher } from '#protocol/client/job-watcher.ts'
import { LiveConnection } from '#protocol/client/live-connection.ts'
import { newJob, newRef, openStore } from '../jobs/job-fixture.ts'
import { runByHand } from '../server/live/live-environment.ts'
import { apiClient } from '../server/server-fixture.ts'
import { type ChaosEnvironment, openChaosEnvironment } from './chaos-environment.ts'

const jobs = 8
const clientsPerJob = 3
const steps = 120

/** Linear congruential generator (Numerical Recipes). */
function createRandom(seed: number) {
  let state = seed
  return (below: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

type Job = Awaited<ReturnType<typeof runByHand>>

/** Adds rows, and again and again changes cells of earlier ones. @returns the rows in the end */
async function play(job: Job, random: (below: number) => number) {
  const rows: Row[] = []
  for (let step = 0; step < steps; step++) {
    for (let n = random(6); n > 0; n--) {
      // So large that clients that were away for a moment continue from a snapshot.
      const row = { n: rows.length, status: null, visits: 0, text: 'x'.repeat(4_000) }
      await job.add(row)
      rows.push(row)
    }
    for (let n = random(8); n > 0 && rows.length > 0; n--) {
      const index = random(rows.length)
      const row = rows[index]
      if (!row) continue
      const cells: Cells =
        random(2) === 0 ? { status: `seen in ${step}` } : { visits: Number(row.visits) + 1 }
      rows[index] = { ...row, ...cells }
      await job.change([index, cells])
    }
    await delay(20)
  }
  await job.complete()
  return rows
}

/** Follows a job as pages and the terminal do. */
async function openFollower(id: string, { origin, apiKey }: { origin: string; apiKey: string }) {
  const callApi = apiAt({ origin, apiKey })
  const first = viewOf((await callApi(`/jobs/${id}`, OneJob)).job)
  const connection = new LiveConnection({ origin, apiKey, onRefused: () => {} })
  onTestFinished(() => connection.close())
  const watcher = new JobWatcher(connection, callApi)
  const finished = new Promise<JobView>((resolve, reject) => {
    watcher.watch(first, (view) => {
      if (view === 'gone') reject(new Error(`${id} is gone`))
      else if (!isLive(view.job.state) && firstHole(view) === null) resolve(view)
    })
  })
  return { finished, drop: () => connection.drop() }
}

/** Cuts connections of clients and of Redis until the signal is aborted. */
async function injectFaults(
  environment: ChaosEnvironment,
  followers: { drop(): void }[],
  random: (below: number) => number,
  signal: AbortSignal,
): Promise<number> {
  let faults = 0
  while (await delay(60, true, { signal }).catch(() => false)) {
    faults++
    if (faults % 5 === 0) await environment.cutConnections()
    else followers[random(followers.length)]?.drop()
  }
  return faults
}

test('clients see changed rows as they are in the end, despite faults', async () => {
  const environment = await openChaosEnvironment({ servers: 2, users: jobs })
  onTestFinished(() => environment.close())
  const store = await openStoreOf(environment)
  const random = createRandom(17)
  const started = await Promise.all(
    environment.users.map(async ({ userId, key }, n) => {
      const ref = await newJob(store, newRef('linking-domains', userId))
      const job = await runByHand(ref, store)
      const origin = environment.urls[n % environment.urls.length] ?? ''
      const followers = await Promise.all(
        Array.from({ length: clientsPerJob }, () => openFollower(ref.id, { origin, apiKey: key })),
      )
      return { job, key, origin, followers }
    }),
  )
  const followers = started.flatMap((each) => each.followers)
  const stop = new AbortController()
  const injecting = injectFaults(environment, followers, random, stop.signal)
  const final = await Promise.all(started.map(({ job }, n) => play(job, createRandom(n))))
  stop.abort()
  const faults = await injecting
  let changed = 0
  for (const [n, { job, key, origin, followers }] of started.entries()) {
    const rows = final[n] ?? []
    changed += rows.filter(({ status, visits }) => status !== null || visits !== 0).length
    for (const { finished } of followers) expect((await finished).rows).toEqual(rows)
    const { body } = await apiClient(origin, key)('GET', `/api/jobs/${job.id}/rows?limit=5000`)
    expect(body.rows).toEqual(rows)
  }
  expect(changed).toBeGreaterThan(500)
  expect(faults).toBeGreaterThan(20)
})

async function openStoreOf({ variables }: ChaosEnvironment) {
  const store = await openStore('sl', 1, variables.REDIS_URL)
  onTestFinished(() => store.close())
  return store
}
