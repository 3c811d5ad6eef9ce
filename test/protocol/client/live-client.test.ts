import { connect, createServer, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { deleteJob } from '#jobs/redis/delete-job.ts'
import { OneJob } from '#protocol/answers.ts'
import { apiAt, CallFailed, Unreachable } from '#protocol/client/call-api.ts'
import { type JobView, viewOf } from '#protocol/client/job-view.ts'
import { JobWatcher, type Watched } from '#protocol/client/job-watcher.ts'
import { LiveConnection } from '#protocol/client/live-connection.ts'
import { jobIn } from '../../jobs/job-fixture.ts'
import { type LiveEnvironment, openLiveEnvironment } from '../../server/live/live-environment.ts'

let env: LiveEnvironment
beforeAll(async () => {
  env = await openLiveEnvironment()
})
afterAll(() => env.close())

/** A way to the server that can be cut. */
async function openTunnel() {
  const { hostname, port } = new URL(env.url)
  const sockets = new Set<Socket>()
  const tunnel = createServer((near) => {
    const far = connect(Number(port), hostname)
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    }
    near.pipe(far).pipe(near)
    near.on('close', () => far.destroy())
    far.on('close', () => near.destroy())
  })
  await new Promise<void>((resolve) => tunnel.listen(0, '127.0.0.1', resolve))
  const address = tunnel.address()
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  onTestFinished(() => {
    cut()
    tunnel.close()
  })
  return { origin: `http://127.0.0.1:${typeof address === 'object' && address?.port}`, cut }
}

interface Follower {
  view: Watched
  refused: string | null
}

/** Follows a job from its state as the API answers now. */
async function follow(id: string, { origin = env.url, apiKey = env.people.user.key } = {}) {
  const callApi = apiAt({ origin, apiKey: env.people.user.key })
  const { job } = await callApi(`/jobs/${id}`, OneJob)
  const follower: Follower = { view: viewOf(job), refused: null }
  const connection = new LiveConnection({
    origin,
    apiKey,
    onRefused: (code) => {
      follower.refused = code
    },
  })
  onTestFinished(() => connection.close())
  new JobWatcher(connection, callApi).watch(viewOf(job), (view) => {
    follower.view = view
  })
  return follower
}

const held = ({ view }: Follower): JobView => {
  if (view === 'gone') throw new Error('The job is gone')
  return view
}
const rowsOf = (follower: Follower) => held(follower).rows.filter((row) => row !== undefined)

describe('the live client', () => {
  test('follows a job to its end through broken connections, each row once and in order', async () => {
    const { origin, cut } = await openTunnel()
    const job = await env.runningJob()
    const follower = await follow(job.id, { origin })
    for (let round = 1; round <= 6; round++) {
      await job.rows(3)
      if (round % 2 === 0) cut()
      await expect.poll(() => rowsOf(follower).length).toBe(round * 3)
    }
    cut()
    await job.complete()
    await expect.poll(() => held(follower).job.state).toBe('complete')
    expect(rowsOf(follower).map((row) => row.n)).toEqual(
      Array.from({ length: 18 }, (_, i) => i % 3),
    )
    expect(held(follower).timeline.map(({ seq }) => seq)).toEqual([1, 2, 9])
  })

  test('fetches the rows that a snapshot leaves out', async () => {
    const job = await env.runningJob()
    for (let n = 0; n < 350; n++) await job.rows(1)
    const follower = await follow(job.id)
    await expect.poll(() => rowsOf(follower).length).toBe(350)
    await job.rows(2)
    await expect.poll(() => rowsOf(follower).length).toBe(352)
    await job.complete()
    await expect.poll(() => held(follower).job.state).toBe('complete')
  })

  test('learns that an ended job was deleted', async () => {
    const job = await env.runningJob()
    await job.complete()
    const follower = await follow(job.id)
    await expect.poll(() => held(follower).timeline.length).toBe(3)
    await deleteJob(await jobIn(env.store, job.id), { counted: true }, env.store)
    await expect.poll(() => follower.view).toBe('gone')
  })

  test('treats a job of another user as gone', async () => {
    const job = await env.runningJob()
    const follower = await follow(job.id, { apiKey: env.people.other.key })
    await expect.poll(() => follower.view).toBe('gone')
    await job.complete()
  })

  test('says that its key is refused, and stops', async () => {
    const job = await env.runningJob()
    const follower = await follow(job.id, { apiKey: 'sl_nonsense' })
    await expect.poll(() => follower.refused).toBe('unauthenticated')
    await job.complete()
  })
})

describe('a call of the API', () => {
  test('fails with the code and the fields that the server names', async () => {
    const callApi = apiAt({ origin: env.url, apiKey: env.people.user.key })
    const body = { search: 'linking-domains', input: { domain: '' } }
    const error = await callApi('/jobs', OneJob, { method: 'POST', body }).catch((error) => error)
    expect(error).toBeInstanceOf(CallFailed)
    expect(error).toMatchObject({ status: 422, code: 'invalid_input' })
    expect(error.issues).toMatchObject([{ path: 'input.domain' }])
  })

  test('says that no server is there', async () => {
    const { origin, cut } = await openTunnel()
    const gone = origin.replace(/\d+$/, '1')
    cut()
    await expect(apiAt({ origin: gone })('/me', OneJob)).rejects.toThrow(Unreachable)
  })
})
