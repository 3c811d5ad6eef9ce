import { eq } from 'drizzle-orm'
import type { Socket } from 'socket.io-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { connectPostgres, type Postgres } from '#jobs/postgres/connect.ts'
import { connectRedis } from '#jobs/redis/connect.ts'
import { createApiKey, revokeApiKey } from '#server/accounts/api-keys.ts'
import { createAccount } from '#server/accounts/create-account.ts'
import { session, user } from '#server/accounts/schema.ts'
import { setPassword } from '#server/accounts/set-password.ts'
import { quietLog } from '../../jobs/job-fixture.ts'
import { redisUrl } from '../../services.ts'
import { apiClient, password } from '../server-fixture.ts'
import { ask, type LiveHouse, openLiveHouse } from './live-house.ts'

const settings = {
  secret: 'a secret that only this test knows, 32 or more',
  publicUrl: 'http://localhost',
}

let house: LiveHouse
let postgres: Postgres
beforeAll(async () => {
  house = await openLiveHouse({ servers: 2 })
  postgres = connectPostgres(house.databaseUrl)
})
afterAll(async () => {
  await postgres.close()
  await house.close()
})

let made = 0
async function newPerson(role: 'user' | 'admin' = 'user') {
  const email = `person-${made++}@example.com`
  const { userId } = await createAccount(
    { email, password, name: email, role },
    { db: postgres.db, settings },
  )
  const { key } = await createApiKey({ userId, name: 'ci', expiresAt: null }, postgres.db)
  return { email, userId, key }
}

/**
 * Opens a socket and an event stream on each server; answers when all of them have ended, and what
 * they were told.
 */
async function openEverywhere(
  jobId: string,
  by: { key: string } | { cookie: string },
): Promise<() => Promise<string[]>> {
  const codes: string[] = []
  const headers: Record<string, string> =
    'key' in by ? { Authorization: `Bearer ${by.key}` } : { Cookie: by.cookie }
  const ends: Promise<unknown>[] = []
  for (const at of house.urls) {
    const socket = await house.socket({ ...by, at })
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

// They change the database behind the servers' backs; the servers look at it every 5 seconds.
describe('what is open ends on every server, though nobody told the servers, when', () => {
  test.each<[string, string, (person: Awaited<ReturnType<typeof newPerson>>) => Promise<unknown>]>([
    [
      'the session is ended',
      'unauthenticated',
      ({ userId }) => postgres.db.delete(session).where(eq(session.userId, userId)),
    ],
    [
      'the session runs out',
      'unauthenticated',
      ({ userId }) =>
        postgres.db
          .update(session)
          .set({ expiresAt: new Date(Date.now() - 1_000) })
          .where(eq(session.userId, userId)),
    ],
    [
      'the account is suspended',
      'unauthenticated',
      ({ userId }) => postgres.db.update(user).set({ banned: true }).where(eq(user.id, userId)),
    ],
    [
      'the role changes',
      'forbidden',
      ({ userId }) => postgres.db.update(user).set({ role: 'admin' }).where(eq(user.id, userId)),
    ],
    [
      'the password is set anew',
      'unauthenticated',
      ({ email }) => setPassword(email, 'another long password', { db: postgres.db, settings }),
    ],
  ])('%s', async (_, code, end) => {
    const person = await newPerson()
    const job = await house.runningJob(person.userId)
    const ended = await openEverywhere(job.id, { cookie: await house.signIn(person.email) })
    await end(person)
    expect(await ended()).toEqual([code, code])
  })

  test('the API key is revoked, and it opens nothing new', async () => {
    const person = await newPerson()
    const job = await house.runningJob(person.userId)
    const ended = await openEverywhere(job.id, { key: person.key })
    await revokeApiKey(person.userId, 'ci', postgres.db)
    expect(await ended()).toEqual(['unauthenticated', 'unauthenticated'])
    await expect
      .poll(() => house.socket({ key: person.key }).catch((error) => error.data?.code))
      .toBe('unauthenticated')
  })

  test('an admin is one no more, whose feed is then no longer told', async () => {
    const person = await newPerson('admin')
    const socket = await house.socket({ key: person.key })
    expect(await ask(socket, 'feed:open', {})).toHaveProperty('jobs')
    const end = endOf(socket)
    await postgres.db.update(user).set({ role: 'user' }).where(eq(user.id, person.userId))
    await end
    const openAgain = async () => ask(await house.socket({ key: person.key }), 'feed:open', {})
    await expect.poll(openAgain).toMatchObject({ error: { code: 'forbidden' } })
  })
})

test('others stay', async () => {
  const [leaving, staying] = [await newPerson(), await newPerson()]
  const sockets = await Promise.all([leaving, staying].map(({ key }) => house.socket({ key })))
  const end = new Promise((resolve) => sockets[0]?.once('disconnect', resolve))
  await revokeApiKey(leaving.userId, 'ci', postgres.db)
  await end
  expect(sockets[1]?.connected).toBe(true)
})

describe('a call to one server tells all servers to look at once:', () => {
  /** Resolves when the bell has rung. */
  async function ringsOf(deed: () => Promise<unknown>): Promise<void> {
    const doorbell = connectRedis(redisUrl(), {
      name: 'test',
      log: quietLog,
      retries: null,
      subscriber: true,
    })
    let rings = 0
    doorbell.on('message', () => rings++)
    await doorbell.subscribe(`${house.store.namespace}:accounts`)
    await deed()
    await expect.poll(() => rings).toBeGreaterThan(0)
    doorbell.disconnect()
  }
  const post = (path: string, cookie: string, body: object = {}) =>
    fetch(`${house.url}/api/auth${path}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Origin: house.url, Cookie: cookie },
      body: JSON.stringify(body),
    })

  test('a sign-out', async () => {
    const person = await newPerson()
    const cookie = await house.signIn(person.email)
    const socket = await house.socket({ cookie, at: house.urls[1] ?? '' })
    const ends = endOf(socket)
    await ringsOf(() => post('/sign-out', cookie))
    await ends
  })

  test('a suspension by an admin', async () => {
    const person = await newPerson()
    const socket = await house.socket({ key: person.key, at: house.urls[1] ?? '' })
    const ends = endOf(socket)
    const admin = await house.signIn('admin@example.com')
    await ringsOf(() => post('/admin/ban-user', admin, { userId: person.userId }))
    await ends
    expect((await apiClient(house.url, house.people.user.key)('GET', '/api/jobs')).status).toBe(200)
  })
})

function endOf(socket: Socket): Promise<unknown> {
  return new Promise((resolve) => socket.once('disconnect', resolve))
}
