import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Job, JobSummary } from '#jobs/job.ts'
import { connectPostgres, type Postgres } from '#jobs/postgres/connect.ts'
import { deleteJob as deleteFromStore } from '#jobs/redis/delete-job.ts'
import { findReading } from '#server/find-job.ts'
import type { ListFrame } from '#server/live/list-frame.ts'
import type { ListAnswer, ListReader } from '#server/live/list-view.ts'
import { Lists } from '#server/live/lists.ts'
import { quietLog } from '#test/quiet-log.ts'
import { jobIn } from '../../jobs/job-fixture.ts'
import { openHub } from './hub-fixture.ts'
import { ask, type LiveEnvironment, openLiveEnvironment, recordFrames } from './live-environment.ts'

let env: LiveEnvironment
let postgres: Postgres
beforeAll(async () => {
  env = await openLiveEnvironment()
  postgres = connectPostgres(env.databaseUrl)
})
afterAll(async () => {
  await postgres.close()
  await env.close()
})

const deleteJob = async (id: string) =>
  deleteFromStore(await jobIn(env.store, id), { counted: true }, env.store)

/** A client's copy of a list, with the frames that it received. */
function viewer() {
  const jobs = new Map<string, JobSummary>()
  const frames: { frame: ListFrame; at: number }[] = []
  let counts: ListAnswer['counts']
  const reader: ListReader = {
    frame(frame) {
      frames.push({ frame, at: performance.now() })
      for (const job of frame.changed) jobs.set(job.id, job)
      for (const id of frame.removed) jobs.delete(id)
      counts = frame.counts ?? counts
    },
  }
  const answer = (list: ListAnswer) => {
    expect(frames).toEqual([])
    for (const job of list.jobs) jobs.set(job.id, job)
    counts = list.counts
  }
  return {
    reader,
    answer,
    jobs,
    frames,
    counts: () => counts,
    stateOf: (id: string) => jobs.get(id)?.state,
  }
}

/** Lists in this process, with a subscriber that the test can silence. */
function openLists() {
  const stores = { store: env.store, db: postgres.db }
  const { hub, subscriberRedis, close } = openHub(env.store, {
    read: (id, since) => findReading(id, since, stores),
  })
  return {
    lists: new Lists({ ...stores, hub, now: () => performance.now(), log: quietLog }),
    subscriberRedis,
    close,
  }
}

describe('the feed', () => {
  test('with a filter shows only jobs that fit, and counts all jobs', async () => {
    const { lists, close } = openLists()
    const running = viewer()
    const ofType = viewer()
    await lists.openFeed({ state: 'running' }, running.reader, running.answer).answered
    await lists.openFeed({ search: 'keywords' }, ofType.reader, ofType.answer).answered
    const before = running.counts()?.complete ?? 0
    const one = await env.runningJob('user-a')
    const other = await env.runningJob('user-a', 'keywords')
    await expect
      .poll(() => [running.stateOf(one.id), running.stateOf(other.id)])
      .toEqual(['running', 'running'])
    await one.complete()
    await expect.poll(() => running.jobs.has(one.id)).toBe(false)
    await expect.poll(() => ofType.counts()?.complete).toBe(before + 1)
    expect(ofType.jobs.has(one.id)).toBe(false)
    expect(ofType.stateOf(other.id)).toBe('running')
    const late = viewer()
    const { answered, close: closeFeed } = lists.openFeed(
      { state: 'running' },
      late.reader,
      late.answer,
    )
    await answered
    expect(late.jobs.has(one.id)).toBe(false)
    expect(late.jobs.has(other.id)).toBe(true)
    closeFeed()
    await other.complete()
    close()
  })

  test('sends at most one frame per 250 ms at any rate of jobs, made once for all readers', async () => {
    const { lists, close } = openLists()
    const viewers = Array.from({ length: 3 }, viewer)
    for (const { reader, answer } of viewers) await lists.openFeed({}, reader, answer).answered
    const jobs: Awaited<ReturnType<LiveEnvironment['runningJob']>>[] = []
    // Three per millisecond: which of them are the newest must be the same for all viewers.
    const now = Date.now()
    for (let i = 0; i < 300; i++)
      jobs.push(
        await env.runningJob(`user-${i}`, 'linking-domains', new Date(now + Math.floor(i / 3))),
      )
    for (const job of jobs) await job.complete()
    const [first] = viewers
    await expect
      .poll(() => jobs.every(({ id }, i) => i < 100 || first?.stateOf(id) === 'complete'))
      .toBe(true)
    const frames = first?.frames ?? []
    for (const [i, { at }] of frames.entries())
      if (i > 0) expect(at - (frames[i - 1]?.at ?? 0)).toBeGreaterThan(245)
    for (const { frame } of frames) expect(frame.changed.length).toBeLessThanOrEqual(200)
    // All viewers share the same objects, so each frame is encoded once.
    for (const { frames: received } of viewers)
      expect(received.map(({ frame }) => frame)).toEqual(frames.map(({ frame }) => frame))
    for (const [i, { frame }] of frames.entries()) expect(viewers[1]?.frames[i]?.frame).toBe(frame)
    close()
  })

  test('refills when jobs have left the view and older ones fit', async () => {
    const { lists, close } = openLists()
    const anHourAgo = Date.now() - 3_600_000
    const jobs: Awaited<ReturnType<LiveEnvironment['runningJob']>>[] = []
    for (let i = 0; i < 260; i++)
      jobs.push(await env.runningJob(`filled-${i}`, 'site-crawl', new Date(anHourAgo + i)))
    const view = viewer()
    await lists.openFeed({ search: 'site-crawl', state: 'running' }, view.reader, view.answer)
      .answered
    expect(view.jobs.size).toBe(200)
    for (const job of jobs.slice(-140)) await job.complete()
    const [oldest] = jobs
    await expect.poll(() => view.stateOf(oldest?.id ?? '')).toBe('running')
    expect(view.jobs.size).toBe(120)
    close()
  })
})

describe("a user's list", () => {
  test('shows each job until it is deleted', async () => {
    const { lists, close } = openLists()
    const { reader, answer, stateOf, jobs } = viewer()
    await lists.openOwnJobs('user-b', reader, answer).answered
    const job = await env.runningJob('user-b')
    await expect.poll(() => stateOf(job.id)).toBe('running')
    await job.complete()
    await expect.poll(() => stateOf(job.id)).toBe('complete')
    await deleteJob(job.id)
    await expect.poll(() => jobs.has(job.id)).toBe(false)
    close()
  })

  test('catches up with changes whose messages were lost, including the last one', async () => {
    const { lists, close, subscriberRedis } = openLists()
    const { reader, answer, stateOf, jobs } = viewer()
    const deleted = await env.runningJob('user-c', 'keywords')
    await deleted.complete()
    await lists.openOwnJobs('user-c', reader, answer).answered
    // From here on the connection looks healthy but delivers nothing, like a half-open one.
    subscriberRedis.removeAllListeners('message')
    const job = await env.runningJob('user-c')
    await job.complete()
    await deleteJob(deleted.id)
    await expect.poll(() => stateOf(job.id)).toBe('complete')
    await expect.poll(() => jobs.has(deleted.id)).toBe(false)
    close()
  })
})

describe('over a socket', () => {
  test('the answer precedes the first frame, and a new filter replaces the previous one', async () => {
    const socket = await env.socket({ key: env.people.admin.key })
    const frames = recordFrames(socket, 'feed')
    // Counted in the callback: a promise would resolve only after the frames that arrived with the
    // answer.
    const framesBeforeAnswerTo = (state: string) =>
      new Promise<number>((resolve) =>
        socket.emit('feed:open', { filter: { state } }, () => resolve(frames.length)),
      )
    const opened = framesBeforeAnswerTo('running')
    const openedAgain = framesBeforeAnswerTo('complete')
    const job = await env.runningJob('user-d')
    expect(await opened).toBe(0)
    frames.splice(0, await openedAgain)
    await job.complete()
    await expect
      .poll(() => frames.flatMap(({ changed }) => changed.map(({ id }: Job) => id)))
      .toContain(job.id)
    for (const { changed } of frames)
      for (const { state } of changed) expect(state).toBe('complete')
  })

  test('a closed list sends nothing more', async () => {
    const socket = await env.socket({ key: env.people.user.key })
    const witness = await env.socket({ key: env.people.user.key })
    const frames = recordFrames(socket, 'jobs')
    const witnessFrames = recordFrames(witness, 'jobs')
    await ask(socket, 'jobs:open', {})
    await ask(witness, 'jobs:open', {})
    await ask(socket, 'jobs:close', {})
    const job = await env.runningJob()
    await expect.poll(() => witnessFrames.length).toBeGreaterThan(0)
    await ask(socket, 'unwatch', { jobs: [] })
    expect(frames).toEqual([])
    await job.complete()
  })
})
