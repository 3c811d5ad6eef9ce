import { once } from 'node:events'
import { createAdaptorServer } from '@hono/node-server'
import { sql } from 'drizzle-orm'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { connectPostgres } from '#jobs/postgres/connect.ts'
import { createAccounts } from '#server/accounts/accounts.ts'
import { user } from '#server/accounts/schema.ts'
import {
  type AccountsHouse,
  call,
  cookieOf,
  openAccounts,
  password,
  publicUrl,
  settings,
  signIn,
  signUp,
} from './browser.ts'

const AddressInfo = z.object({ port: z.number() })

let house: AccountsHouse
beforeEach(async () => {
  house = await openAccounts()
})
afterEach(() => house.drop())

const emails = async () =>
  (await house.db.select({ email: user.email }).from(user)).map((one) => one.email)

describe('sign-up', () => {
  test('the first account is an admin, is signed in at once, and closes the door', async () => {
    const { accounts } = house
    expect(await accounts.signUpOpen()).toBe(true)
    const response = await signUp(accounts, 'Ada@Example.com')
    expect(response.status).toBe(200)
    const principal = await accounts.authenticate(new Headers({ cookie: cookieOf(response) }))
    expect(principal).toMatchObject({
      email: 'ada@example.com',
      name: 'Someone',
      role: 'admin',
      via: { kind: 'session' },
    })
    expect(await accounts.signUpOpen()).toBe(false)

    const second = await signUp(accounts, 'bob@example.com')
    expect(second.status).toBe(403)
    expect(await second.json()).toEqual({
      code: 'SIGN_UP_CLOSED',
      message: expect.stringContaining('npm run user -- create'),
    })
    expect(await emails()).toEqual(['ada@example.com'])
  })

  test('it works with the requests of the real HTTP server', async () => {
    const server = createAdaptorServer({
      fetch: (request) => house.accounts.handler(request),
      overrideGlobalObjects: false,
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = AddressInfo.parse(server.address())
    const response = await fetch(`http://127.0.0.1:${port}/api/auth/sign-up/email`, {
      method: 'POST',
      // Node's fetch sends sec-fetch-mode as browsers do, so it has to name an origin like they do.
      headers: { 'content-type': 'application/json', origin: publicUrl },
      body: JSON.stringify({ email: 'ada@example.com', password, name: 'Ada' }),
    })
    expect(response.status).toBe(200)
    expect(
      await house.accounts.authenticate(new Headers({ cookie: cookieOf(response) })),
    ).toMatchObject({ role: 'admin' })
    server.close()
  })

  test('a path that only nearly looks like sign-up stays closed too', async () => {
    for (const path of [
      '/sign-up/email/',
      '/sign-up//email',
      '/sign-up/email?x=1',
      '/./sign-up/email',
      '/sign-up%2Femail',
    ]) {
      await signUp(house.accounts, 'ada@example.com')
      const response = await house.accounts.handler(
        call(path, { email: 'bob@example.com', password, name: 'Bob' }),
      )
      expect(response.ok, path).toBe(false)
    }
    expect(await emails()).toEqual(['ada@example.com'])
  })

  test('of many first sign-ups at once, on two servers with small pools, one succeeds', async () => {
    const pools = [connectPostgres(house.url, { max: 2 }), connectPostgres(house.url, { max: 2 })]
    const servers = pools.map(({ db }) => createAccounts({ ...settings, db }))
    const answers = await Promise.all(
      servers.flatMap((server, s) =>
        Array.from({ length: 8 }, (_, i) => signUp(server, `person${s}${i}@example.com`)),
      ),
    )
    await Promise.all(pools.map((pool) => pool.close()))
    expect(answers.filter((answer) => answer.status === 200)).toHaveLength(1)
    expect(answers.filter((answer) => answer.status === 403)).toHaveLength(15)
    expect(await emails()).toHaveLength(1)
  })

  test('a sign-up and ADMIN_EMAIL at the same moment leave no account that came second by sign-up', async () => {
    const [response, ensured] = await Promise.all([
      signUp(house.accounts, 'ada@example.com'),
      house.accounts.ensureFirstAdmin({ email: 'root@example.com', password }),
    ])
    expect(ensured).toBe('created')
    const kept = await house.db.select({ email: user.email }).from(user).orderBy(user.createdAt)
    expect(kept.at(-1)?.email).toBe('root@example.com')
    expect(kept).toHaveLength(response.ok ? 2 : 1)
  })

  test('nobody can choose their role while signing up', async () => {
    const chosen = { email: 'a@example.com', password, name: 'A', role: 'owner' }
    const response = await house.accounts.handler(call('/sign-up/email', chosen))
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ code: 'FIELD_NOT_ALLOWED' })
    expect(await emails()).toEqual([])
  })

  test('a short password is refused with its rule, and the door stays open', async () => {
    const response = await signUp(house.accounts, 'ada@example.com', 'ninechars')
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({
      code: 'PASSWORD_TOO_SHORT',
      message: 'A password needs at least 10 characters; this one has 9.',
    })
    expect(await house.accounts.signUpOpen()).toBe(true)
    expect((await signUp(house.accounts, 'ada@example.com', 'ten chars.')).status).toBe(200)
  })

  test('a foreign page cannot sign up or sign in for its visitor', async () => {
    const foreign = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
    const body = { email: 'ada@example.com', password, name: 'Ada' }
    expect((await house.accounts.handler(call('/sign-up/email', body, foreign))).status).toBe(403)
    expect(await house.accounts.signUpOpen()).toBe(true)
    await signUp(house.accounts, 'ada@example.com')
    expect((await house.accounts.handler(call('/sign-in/email', body, foreign))).status).toBe(403)
  })
})

describe('the admin of ADMIN_EMAIL', () => {
  const admin = { email: 'root@example.com', password }

  test('is made once by several servers that start together', async () => {
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => house.accounts.ensureFirstAdmin(admin)),
    )
    expect(answers.filter((answer) => answer === 'created')).toHaveLength(1)
    expect(await emails()).toEqual(['root@example.com'])
    expect(
      (await house.accounts.authenticate(await signIn(house.accounts, admin.email)))?.role,
    ).toBe('admin')
    expect(await house.accounts.signUpOpen()).toBe(false)
  })

  test('keeps its password and role when the account exists', async () => {
    await house.accounts.ensureFirstAdmin(admin)
    await house.db.execute(sql`update "user" set role = 'user'`)
    expect(
      await house.accounts.ensureFirstAdmin({
        email: 'ROOT@example.com',
        password: 'another password',
      }),
    ).toBe('exists')
    expect(
      (await house.accounts.authenticate(await signIn(house.accounts, admin.email)))?.role,
    ).toBe('user')
  })

  test('is not made with a weak password', async () => {
    await expect(house.accounts.ensureFirstAdmin({ ...admin, password: 'short' })).rejects.toThrow(
      'at least 10 characters',
    )
    expect(await emails()).toEqual([])
  })
})
