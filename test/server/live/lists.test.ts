import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Job, JobSummary } from '#jobs/job.ts'
import { connectPostgres, type Postgres } from '#jobs/postgres/connect.ts'
import { deleteJob as deleteFromStore } from '#jobs/redis/delete-job.ts'
import { findReading } from '#server/find-job.ts'
import type { ListFrame } from '#server/live/list-frame.ts'
import type { ListAnswer, ListReader } from '#server/live/list-view.ts'
import { Lists } from '#server/live/lists.ts'
import { jobIn, quietLog } from '../../jobs/job-fixture.ts'
import { openHub } from './hub-fixture.ts'
import { ask, type LiveHouse, openLiveHouse, recordFrames } from './live-house.ts'

let house: LiveHouse
let postgres: Postgres
beforeAll(async () => {
  house = await openLiveHouse()
  postgres = connectPostgres(house.databaseUrl)
})
afterAll(async () => {
  await postgres.close()
  await house.close()
})

const deleteJob = async (id: string) =>
  deleteFromStore(await jobIn(house.store, id), { counted: true }, house.store)

/** A view of the list as a client keeps it. */
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

/** Lists of this process alone, with a doorbell that the test can silence. */
function openLists() {
  const places = { store: house.store, db: postgres.db }
  const { hub, doorbells, close } = openHub(house.store, {
    read: (id, since) => findReading(id, since, places),
  })
  return { lists: new Lists({ ...places, hub, log: quietLog }), doorbells, close }
}

describe('the feed', () => {
  test('under a filter shows those that fit, drops those that fit no more, and counts all', async () => {
    const { lists, close } = openLists()
    const running = viewer()
    const ofType = viewer()
    await lists.openFeed({ state: 'running' }, running.reader, running.answer).answered
    await lists.openFeed({ search: 'keywords' }, ofType.reader, ofType.answer).answered
    const before = running.counts()?.complete ?? 0
    const one = await house.runningJob('user-a')
    const other = await house.runningJob('user-a', 'keywords')
    await expect
      .poll(() => [running.stateOf(one.id), running.stateOf(other.id)])
      .toEqual(['running', 'running'])
    await one.complete()
    await expect.poll(() => running.jobs.has(one.id)).toBe(false)
    await expect.poll(() => ofType.counts()?.complete).toBe(before + 1)
    expect(ofType.jobs.has(one.id)).toBe(false)
    expect(ofType.stateOf(other.id)).toBe('running')
    const late = viewer()
    const { answered, close: leave } = lists.openFeed(
      { state: 'running' },
      late.reader,
      late.answer,
    )
    await answered
    expect(late.jobs.has(one.id)).toBe(false)
    expect(late.jobs.has(other.id)).toBe(true)
    leave()
    await other.complete()
    close()
  })

  test('is told in one frame per 250 ms at most, made once for all who look, however many jobs there are', async () => {
    const { lists, close } = openLists()
    const viewers = Array.from({ length: 3 }, viewer)
    for (const { reader, answer } of viewers) await lists.openFeed({}, reader, answer).answered
    const jobs: Awaited<ReturnType<LiveHouse['runningJob']>>[] = []
    // Three in each millisecond: which of them are the newest must be the same for everybody.
    const now = Date.now()
    for (let i = 0; i < 300; i++)
      jobs.push(
        await house.runningJob(`user-${i}`, 'linking-domains', new Date(now + Math.floor(i / 3))),
      )
    for (const job of jobs) await job.complete()
    const [first] = viewers
    await expect
      .poll(() => jobs.every(({ id }, i) => i < 100 || first?.stateOf(id) === 'complete'), {
        timeout: 10_000,
      })
      .toBe(true)
    const frames = first?.frames ?? []
    for (const [i, { at }] of frames.entries())
      if (i > 0) expect(at - (frames[i - 1]?.at ?? 0)).toBeGreaterThan(245)
    for (const { frame } of frames) expect(frame.changed.length).toBeLessThanOrEqual(200)
    // The very same objects, so each is encoded once.
    for (const { frames: told } of viewers)
      expect(told.map(({ frame }) => frame)).toEqual(frames.map(({ frame }) => frame))
    for (const [i, { frame }] of frames.entries()) expect(viewers[1]?.frames[i]?.frame).toBe(frame)
    close()
  })

  test('is filled again when those in view have left it and older ones fit', {
    timeout: 60_000,
  }, async () => {
    const { lists, close } = openLists()
    const long = Date.now() - 3_600_000
    const jobs: Awaited<ReturnType<LiveHouse['runningJob']>>[] = []
    for (let i = 0; i < 260; i++)
      jobs.push(await house.runningJob(`filled-${i}`, 'site-crawl', new Date(long + i)))
    const view = viewer()
    await lists.openFeed({ search: 'site-crawl', state: 'running' }, view.reader, view.answer)
      .answered
    expect(view.jobs.size).toBe(200)
    for (const job of jobs.slice(-140)) await job.complete()
    const [oldest] = jobs
    await expect.poll(() => view.stateOf(oldest?.id ?? ''), { timeout: 15_000 }).toBe('running')
    expect(view.jobs.size).toBe(120)
    close()
  })
})

describe("a user's list", () => {
  test('is told of each job until it is deleted', async () => {
    const { lists, close } = openLists()
    const { reader, answer, stateOf, jobs } = viewer()
    await lists.openMine('user-b', reader, answer).answered
    const job = await house.runningJob('user-b')
    await expect.poll(() => stateOf(job.id)).toBe('running')
    await job.complete()
    await expect.poll(() => stateOf(job.id)).toBe('complete')
    await deleteJob(job.id)
    await expect.poll(() => jobs.has(job.id)).toBe(false)
    close()
  })

  test('learns of what no message told, also of the last change of all', {
    timeout: 60_000,
  }, async () => {
    const { lists, close, doorbells } = openLists()
    const { reader, answer, stateOf, jobs } = viewer()
    const gone = await house.runningJob('user-c', 'keywords')
    await gone.complete()
    await lists.openMine('user-c', reader, answer).answered
    // The bell looks healthy and is deaf from here on, as a half-open connection is.
    doorbells.removeAllListeners('message')
    const job = await house.runningJob('user-c')
    await job.complete()
    await deleteJob(gone.id)
    await expect.poll(() => stateOf(job.id), { timeout: 10_000 }).toBe('complete')
    await expect.poll(() => jobs.has(gone.id), { timeout: 10_000 }).toBe(false)
    close()
  })
})

describe('over a socket', () => {
  test('the answer comes before the first frame, and another filter takes the place of the one before', async () => {
    const socket = await house.socket({ key: house.people.admin.key })
    const frames = recordFrames(socket, 'feed')
    // Counted when the answer arrives: a promise would be told of it only after the frames that
    // came with it.
    const framesBeforeAnswerTo = (state: string) =>
      new Promise<number>((resolve) =>
        socket.emit('feed:open', { filter: { state } }, () => resolve(frames.length)),
      )
    const opened = framesBeforeAnswerTo('running')
    const openedAgain = framesBeforeAnswerTo('complete')
    const job = await house.runningJob('user-d')
    expect(await opened).toBe(0)
    frames.splice(0, await openedAgain)
    await job.complete()
    await expect
      .poll(() => frames.flatMap(({ changed }) => changed.map(({ id }: Job) => id)))
      .toContain(job.id)
    for (const { changed } of frames)
      for (const { state } of changed) expect(state).toBe('complete')
  })

  test('closed lists are told no more', async () => {
    const socket = await house.socket({ key: house.people.user.key })
    const witness = await house.socket({ key: house.people.user.key })
    const frames = recordFrames(socket, 'jobs')
    const seen = recordFrames(witness, 'jobs')
    await ask(socket, 'jobs:open', {})
    await ask(witness, 'jobs:open', {})
    await ask(socket, 'jobs:close', {})
    const job = await house.runningJob()
    await expect.poll(() => seen.length).toBeGreaterThan(0)
    await ask(socket, 'unwatch', { jobs: [] })
    expect(frames).toEqual([])
    await job.complete()
  })
})
