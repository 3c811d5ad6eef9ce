import { afterAll, beforeAll, expect, test } from 'vitest'
import { OneJob } from '#protocol/answers.ts'
import { apiAt } from '#protocol/client/call-api.ts'
import { viewOf } from '#protocol/client/job-view.ts'
import { JobWatcher, type Watched } from '#protocol/client/job-watcher.ts'
import { LiveConnection } from '#protocol/client/live-connection.ts'
import { jobIn } from '../../jobs/job-fixture.ts'
import { ask, type LiveEnvironment, openLiveEnvironment, recordFrames } from './live-environment.ts'

let env: LiveEnvironment
beforeAll(async () => {
  env = await openLiveEnvironment()
})
afterAll(() => env.close())

const rowsOf = (view: Watched) => (view === 'gone' ? 'gone' : view.rows)
const text = (value: string) => ({ n: expect.any(Number), text: value })

/** The text of a download or an event stream. */
async function read(path: string): Promise<string> {
  const answer = await fetch(`${env.url}/api${path}`, {
    headers: { Authorization: `Bearer ${env.people.user.key}` },
  })
  expect(answer.status).toBe(200)
  return answer.text()
}

test('a client that knows patches gets them in order, live and replayed', async () => {
  const socket = await env.socket({ key: env.people.user.key })
  const frames = recordFrames(socket, 'events')
  const job = await env.runningJob()
  const [first] = await ask(socket, 'watch', { jobs: [{ id: job.id }], patches: true })
  await job.rows(3)
  await job.change([1, { text: 'changed' }], [2, { text: 'too' }])
  await expect.poll(() => frames.flat().at(-1)?.[2]).toBe('patch')
  const patch = [
    job.id,
    first.seq + 2,
    'patch',
    {
      at: expect.any(String),
      attempt: 1,
      rows: [
        [1, { text: 'changed' }],
        [2, { text: 'too' }],
      ],
    },
  ]
  expect(frames.flat().at(-1)).toEqual(patch)

  const other = await env.socket({ key: env.people.user.key })
  const since = { epoch: first.epoch, seq: first.seq + 1 }
  const [replay] = await ask(other, 'watch', { jobs: [{ id: job.id, since }], patches: true })
  expect(replay).toMatchObject({ mode: 'replay', job: { patched: true } })
  expect(replay.events).toEqual([patch.slice(1)])
  await job.complete()
})

test('an older client gets a resync in place of a patch, and a snapshot for a replay', async () => {
  const socket = await env.socket({ key: env.people.user.key })
  const [events, resyncs] = [recordFrames(socket, 'events'), recordFrames(socket, 'resync')]
  const job = await env.runningJob()
  const [first] = await ask(socket, 'watch', { jobs: [{ id: job.id }] })
  await job.rows(2)
  await job.change([0, { text: 'changed' }])
  await expect.poll(() => resyncs.at(-1)?.seq).toBe(first.seq + 2)
  await job.rows(1)
  await job.complete()
  await expect.poll(() => events.flat().at(-1)?.[2]).toBe('state')
  expect(events.flat().map(([, , type]) => type)).toEqual(['rows', 'rows', 'state'])

  const since = { epoch: first.epoch, seq: first.seq }
  const [again] = await ask(socket, 'watch', { jobs: [{ id: job.id, since }] })
  expect(again).toMatchObject({ mode: 'snapshot', job: { patched: true, state: 'complete' } })
})

test('a probe does not make a client an older one', async () => {
  const socket = await env.socket({ key: env.people.user.key })
  const frames = recordFrames(socket, 'events')
  const job = await env.runningJob()
  await ask(socket, 'watch', { jobs: [{ id: job.id }], patches: true })
  await ask(socket, 'watch', { jobs: [] })
  await job.rows(1)
  await job.change([0, { text: 'changed' }])
  await expect.poll(() => frames.flat().at(-1)?.[2]).toBe('patch')
  await job.complete()
})

test('the live client shows changes, whichever way it learns of them', async () => {
  const callApi = apiAt({ origin: env.url, apiKey: env.people.user.key })
  const job = await env.runningJob()
  await job.rows(2)
  await job.change([0, { text: 'before' }])
  let view: Watched = viewOf((await callApi(`/jobs/${job.id}`, OneJob)).job)
  const connection = new LiveConnection({
    origin: env.url,
    apiKey: env.people.user.key,
    onRefused: () => {},
  })
  new JobWatcher(connection, callApi).watch(view, (next) => {
    view = next
  })
  await expect.poll(() => rowsOf(view)).toEqual([text('before'), text('x')])
  await job.change([1, { text: 'live' }])
  await expect.poll(() => rowsOf(view)).toEqual([text('before'), text('live')])

  connection.drop()
  await job.change([0, { text: 'while away' }])
  await job.rows(1)
  await expect.poll(() => rowsOf(view)).toEqual([text('while away'), text('live'), text('x')])
  await job.complete()
  await expect.poll(() => view !== 'gone' && view.job.state).toBe('complete')
  connection.close()
})

test('downloads and pages of rows have the changes', async () => {
  const job = await env.runningJob()
  await job.rows(3)
  await job.change([1, { text: 'changed' }])
  await job.complete()
  const page = JSON.parse(await read(`/jobs/${job.id}/rows?from=1&limit=1`))
  expect(page.rows).toEqual([{ n: 1, text: 'changed' }])
  expect(await read(`/jobs/${job.id}/rows.ndjson`)).toContain('{"n":1,"text":"changed"}\n')
  const { state } = await jobIn(env.store, job.id)
  expect(state).toBe('complete')
})

test('an event stream has patches only if they are asked for', async () => {
  const job = await env.runningJob()
  await job.rows(2)
  await job.change([1, { text: 'changed' }])
  const streams = [read(`/jobs/${job.id}/events?patches=true`), read(`/jobs/${job.id}/events`)]
  await expect.poll(() => env.listenersOf(job.id)).toBe(1)
  await job.change([0, { text: 'later' }])
  await job.complete()
  const [known = '', unknown = ''] = await Promise.all(streams)
  const types = (stream: string) => [...stream.matchAll(/^event: (.*)$/gm)].map(([, type]) => type)
  expect(types(known)).toEqual(['state', 'state', 'rows', 'patch', 'patch', 'state'])
  expect(types(unknown)).not.toContain('patch')
  expect(types(unknown)).toContain('resync')
  expect(types(unknown).at(-1)).toMatch(/state|resync/)
})
