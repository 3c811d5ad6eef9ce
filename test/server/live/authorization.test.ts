import { eq } from 'drizzle-orm'
import type { Socket } from 'socket.io-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connectPostgres, type Postgres } from '#jobs/postgres/connect.ts'
import { connectRedis } from '#jobs/redis/connect.ts'
import { createApiKey, revokeApiKey } from '#server/accounts/api-keys.ts'
import { createAccount } from '#server/accounts/create-account.ts'
import { session, user } from '#server/accounts/schema.ts'
import { setPassword } from '#server/accounts/set-password.ts'
import { quietLog } from '#test/quiet-log.ts'
import { redisUrl } from '../../services.ts'
import { apiClient, password } from '../server-fixture.ts'
import { ask, type LiveEnvironment, openLiveEnvironment } from './live-environment.ts'

const settings = {
  secret: 'a secret that only this test knows, 32 or more',
  publicUrl: 'http://localhost',
}

let env: LiveEnvironment
let postgres: Postgres
beforeAll(async () => {
  env = await openLiveEnvironment({ servers: 2 })
  postgres = connectPostgres(env.databaseUrl)
})
afterAll(async () => {
  await postgres.close()
  await env.close()
})

let created = 0
async function newPerson(role: 'user' | 'admin' = 'user') {
  const email = `person-${created++}@example.com`
  const { userId } = await createAccount(
    { email, password, name: email, role },
    { db: postgres.db, settings },
  )
  const { key } = await createApiKey({ userId, name: 'ci', expiresAt: null }, postgres.db)
  return { email, userId, key }
}

/**
 * Opens a socket and an event stream on each server.
 * @returns waits until all of them have ended, and collects the codes of the `revoked` events
 */
async function openEverywhere(
  jobId: string,
  credential: { key: string } | { cookie: string },
): Promise<() => Promise<string[]>> {
  const codes: string[] = []
  const headers: Record<string, string> =
    'key' in credential
      ? { Authorization: `Bearer ${credential.key}` }
      : { Cookie: credential.cookie }
  const ends: Promise<unknown>[] = []
  for (const at of env.urls) {
    const socket = await env.socket({ ...credential, at })
    socket.on('revoked', ({ code }) => codes.push(code))
    ends.push(endOf(socket))
    expect(await ask(socket, 'watch', { jobs: [{ id: jobId }] })).toMatchObject([
      { id: jobId, mode: 'snapshot' },
    ])
    const stream = await fetch(`${at}/api/jobs/${jobId}/events`, { headers })
    expect(stream.status).toBe(200)
    ends.push(stream.text())
  }
  return async () => {
    await Promise.all(ends)
    return codes
  }
}

// The tests change the database directly; the servers look at it every 5 seconds.
describe('without a message, connections on every server end', () => {
  test.each<[string, string, (person: Awaited<ReturnType<typeof newPerson>>) => Promise<unknown>]>([
    [
      'when the session is deleted',
      'unauthenticated',
      ({ userId }) => postgres.db.delete(session).where(eq(session.userId, userId)),
    ],
    [
      'when the session expires',
      'unauthenticated',
      ({ userId }) =>
        postgres.db
          .update(session)
          .set({ expiresAt: new Date(Date.now() - 1_000) })
          .where(eq(session.userId, userId)),
    ],
    [
      'when the account is suspended',
      'unauthenticated',
      ({ userId }) => postgres.db.update(user).set({ banned: true }).where(eq(user.id, userId)),
    ],
    [
      'when the role changes',
      'forbidden',
      ({ userId }) => postgres.db.update(user).set({ role: 'admin' }).where(eq(user.id, userId)),
    ],
    [
      'when a new password is set',
      'unauthenticated',
      ({ email }) => setPassword(email, 'another long password', { db: postgres.db, settings }),
    ],
  ])('%s', async (_, code, end) => {
    const person = await newPerson()
    const job = await env.runningJob(person.userId)
    const ended = await openEverywhere(job.id, { cookie: await env.signIn(person.email) })
    await end(person)
    expect(await ended()).toEqual([code, code])
  })

  test('when the API key is revoked, and the key is refused from then on', async () => {
    const person = await newPerson()
    const job = await env.runningJob(person.userId)
    const ended = await openEverywhere(job.id, { key: person.key })
    await revokeApiKey(person.userId, 'ci', postgres.db)
    expect(await ended()).toEqual(['unauthenticated', 'unauthenticated'])
    await expect
      .poll(() => env.socket({ key: person.key }).catch((error) => error.data?.code))
      .toBe('unauthenticated')
  })

  test('when an admin loses the role, and the feed is refused from then on', async () => {
    const person = await newPerson('admin')
    const socket = await env.socket({ key: person.key })
    expect(await ask(socket, 'feed:open', {})).toHaveProperty('jobs')
    const end = endOf(socket)
    await postgres.db.update(user).set({ role: 'user' }).where(eq(user.id, person.userId))
    await end
    const openAgain = async () => ask(await env.socket({ key: person.key }), 'feed:open', {})
    await expect.poll(openAgain).toMatchObject({ error: { code: 'forbidden' } })
  })
})

test('revoking one user does not disconnect others', async () => {
  const [leaving, staying] = [await newPerson(), await newPerson()]
  const sockets = await Promise.all([leaving, staying].map(({ key }) => env.socket({ key })))
  const end = new Promise((resolve) => sockets[0]?.once('disconnect', resolve))
  await revokeApiKey(leaving.userId, 'ci', postgres.db)
  await end
  expect(sockets[1]?.connected).toBe(true)
})

describe('all servers check at once after a call to one of them:', () => {
  /** Runs the task and resolves when a message on the accounts channel has arrived. */
  async function expectMessageFrom(task: () => Promise<unknown>): Promise<void> {
    const subscriberRedis = connectRedis(redisUrl(), {
      name: 'test',
      log: quietLog,
      retries: null,
      subscriber: true,
    })
    let messages = 0
    subscriberRedis.on('message', () => messages++)
    await subscriberRedis.subscribe(`${env.store.namespace}:accounts`)
    await task()
    await expect.poll(() => messages).toBeGreaterThan(0)
    subscriberRedis.disconnect()
  }
  const post = (path: string, cookie: string, body: object = {}) =>
    fetch(`${env.url}/api/auth${path}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Origin: env.url, Cookie: cookie },
      body: JSON.stringify(body),
    })

  test('a sign-out', async () => {
    const person = await newPerson()
    const cookie = await env.signIn(person.email)
    const socket = await env.socket({ cookie, at: env.urls[1] ?? '' })
    const end = endOf(socket)
    await expectMessageFrom(() => post('/sign-out', cookie))
    await end
  })

  test('a suspension by an admin', async () => {
    const person = await newPerson()
    const socket = await env.socket({ key: person.key, at: env.urls[1] ?? '' })
    const end = endOf(socket)
    const admin = await env.signIn('admin@example.com')
    await expectMessageFrom(() => post('/admin/ban-user', admin, { userId: person.userId }))
    await end
    expect((await apiClient(env.url, env.people.user.key)('GET', '/api/jobs')).status).toBe(200)
  })
})

function endOf(socket: Socket): Promise<unknown> {
  return new Promise((resolve) => socket.once('disconnect', resolve))
}
