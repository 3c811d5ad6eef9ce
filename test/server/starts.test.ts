import type { ChildProcess } from 'node:child_process'
import { request as httpRequest } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { keys } from '#jobs/redis/keys.ts'
import { openStore } from '../jobs/job-fixture.ts'
import {
  apiClient,
  makePeople,
  startServerProcess,
  stopProcess,
  testEnvironment,
} from './server-fixture.ts'

/** Sends the whole request and disconnects before the answer arrives. */
function startAndHangUp(url: string, key: string, headers: Record<string, string>): Promise<void> {
  return new Promise((resolve) => {
    const sending = httpRequest(`${url}/api/jobs`, {
      method: 'POST',
      headers: { ...headers, Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
    })
    sending.on('error', () => {}).on('close', resolve)
    sending.end(JSON.stringify(request), () => sending.destroy())
  })
}

/** Two server processes and no worker, so started jobs wait. */
let servers: { child: ChildProcess; url: string }[]
let people: Awaited<ReturnType<typeof makePeople>>
let environment: Awaited<ReturnType<typeof testEnvironment>>['environment']
let drop: () => Promise<void>
let store: Awaited<ReturnType<typeof openStore>>

beforeAll(async () => {
  ;({ environment, drop } = await testEnvironment('none'))
  store = await openStore(environment.REDIS_PREFIX)
  const settings = { ...environment, MAX_WAITING: '3' }
  servers = [await startServerProcess(settings), await startServerProcess(settings)]
  people = await makePeople(environment.DATABASE_URL, environment.AUTH_SECRET, 'http://localhost')
})
afterAll(async () => {
  await Promise.all(servers.map(({ child }) => stopProcess(child)))
  store.close()
  await drop()
})

const urlOf = (i: number) => servers[i % servers.length]?.url ?? ''
const request = { search: 'linking-domains', input: { domain: 'example.com' } }
type Person = keyof Awaited<ReturnType<typeof makePeople>>
const clientOf = (person: Person, i = 0) => apiClient(urlOf(i), people[person].key)
const waitingJobsOf = async (person: Person) => {
  const { jobs } = (await clientOf(person)('GET', '/api/jobs?limit=200')).body
  return jobs
    .filter((job: { state: string }) => job.state === 'new')
    .map((job: { id: string }) => job.id)
}
const cancelAll = async (person: Person) => {
  for (const id of await waitingJobsOf(person))
    await clientOf(person)('POST', `/api/jobs/${id}/cancel`)
}

describe('one active job per user and type', () => {
  test('of 500 concurrent starts on two servers, one creates a job and the others get its id', async () => {
    const answers = await Promise.all(
      Array.from({ length: 500 }, (_, i) => clientOf('user', i)('POST', '/api/jobs', request)),
    )
    const created = answers.filter(({ status }) => status === 201)
    expect(created).toHaveLength(1)
    const { id } = created[0]?.body.job ?? {}
    const others = answers.filter(({ status }) => status === 409)
    expect(others).toHaveLength(499)
    for (const { body } of others)
      expect(body.error).toMatchObject({ code: 'already_running', jobId: id })
    expect(await waitingJobsOf('user')).toEqual([id])
  })

  test('another user can start the same type', async () => {
    expect((await clientOf('other', 1)('POST', '/api/jobs', request)).status).toBe(201)
    await Promise.all([cancelAll('user'), cancelAll('other')])
  })

  test('a stray lock without a live job does not block a start', async () => {
    const lock = keys.lock(
      { namespace: store.namespace, number: 0 },
      people.user.userId,
      request.search,
    )
    await store.redis.set(lock, '0-019a8c1e-7d1c-7b6e-9d0a-2f6f0d1b7c11')
    const { status, body } = await clientOf('user')('POST', '/api/jobs', request)
    expect(status).toBe(201)
    expect(await store.redis.get(lock)).toBe(body.job.id)
    await cancelAll('user')
  })
})

describe('a start whose answer was lost', () => {
  test('can be retried with its idempotency key on any server, and creates one job', async () => {
    const headers = { 'Idempotency-Key': 'lost answer' }
    await Promise.all(
      Array.from({ length: 20 }, (_, i) => startAndHangUp(urlOf(i), people.user.key, headers)),
    )
    await expect.poll(() => waitingJobsOf('user')).toHaveLength(1)
    const again = await Promise.all(
      [0, 1].map((i) => clientOf('user', i)('POST', '/api/jobs', request, headers)),
    )
    const ids = again.map(({ status, body }) => [status, body.job.id])
    expect(ids[0]).toEqual([201, expect.any(String)])
    expect(ids[1]).toEqual(ids[0])
    expect(await waitingJobsOf('user')).toEqual([ids[0]?.[1]])
    await cancelAll('user')
  })
})

describe('too much work', () => {
  test('a start above the limit of waiting jobs is refused with Retry-After and creates no job', async () => {
    for (const person of ['admin', 'user', 'other'] as const)
      expect((await clientOf(person)('POST', '/api/jobs', request)).status).toBe(201)
    const late = (
      await makePeople(
        environment.DATABASE_URL,
        environment.AUTH_SECRET,
        'http://localhost',
        'late-',
      )
    ).user
    const answer = await apiClient(urlOf(1), late.key)('POST', '/api/jobs', request)
    expect(answer).toMatchObject({
      status: 503,
      body: { error: { code: 'overloaded', message: expect.stringContaining('waiting') } },
    })
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    expect((await apiClient(urlOf(0), late.key)('GET', '/api/jobs')).body.jobs).toEqual([])
    await cancelAll('user')
    expect((await apiClient(urlOf(1), late.key)('POST', '/api/jobs', request)).status).toBe(201)
  })

  test('an input of more than 256 KB is too large, counted in bytes', async () => {
    const answer = await clientOf('user')('POST', '/api/jobs', {
      search: request.search,
      input: { domain: 'é'.repeat(140_000) },
    })
    expect(answer).toMatchObject({ status: 413, body: { error: { code: 'too_large' } } })
  })
})

test('two concurrent deletions of a search reduce the counts once', async () => {
  const asAdmin = clientOf('admin')
  await cancelAll('admin')
  const { body } = await clientOf('user')('POST', '/api/jobs', request)
  await clientOf('user')('POST', `/api/jobs/${body.job.id}/cancel`)
  const before = (await asAdmin('GET', '/api/admin/stats')).body.counts.cancelled
  const answers = await Promise.all(
    [0, 1].map((i) => clientOf('user', i)('DELETE', `/api/jobs/${body.job.id}`)),
  )
  expect(answers.map(({ status }) => status).sort()).toContain(204)
  expect((await asAdmin('GET', '/api/admin/stats')).body.counts.cancelled).toBe(before - 1)
})
