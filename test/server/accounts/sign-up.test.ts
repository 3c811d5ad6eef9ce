import { once } from 'node:events'
import { createAdaptorServer } from '@hono/node-server'
import { sql } from 'drizzle-orm'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { connectPostgres } from '#jobs/postgres/connect.ts'
import { createAccounts } from '#server/accounts/accounts.ts'
import { user } from '#server/accounts/schema.ts'
import {
  type AccountsEnvironment,
  call,
  cookieOf,
  openAccountsEnvironment,
  password,
  publicUrl,
  settings,
  signIn,
  signUp,
} from './accounts-environment.ts'

const AddressInfo = z.object({ port: z.number() })

let env: AccountsEnvironment
beforeEach(async () => {
  env = await openAccountsEnvironment()
})
afterEach(() => env.drop())

const emails = async () =>
  (await env.db.select({ email: user.email }).from(user)).map(({ email }) => email)

describe('sign-up', () => {
  test('the first account is an admin and signed in; then sign-up is closed', async () => {
    const { accounts } = env
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

  test('sign-up works over a real HTTP server', async () => {
    const server = createAdaptorServer({
      fetch: (request) => env.accounts.handler(request),
      overrideGlobalObjects: false,
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = AddressInfo.parse(server.address())
    const response = await fetch(`http://127.0.0.1:${port}/api/auth/sign-up/email`, {
      method: 'POST',
      // Node's fetch sends sec-fetch-mode as browsers do, so better-auth requires an origin too.
      headers: { 'content-type': 'application/json', origin: publicUrl },
      body: JSON.stringify({ email: 'ada@example.com', password, name: 'Ada' }),
    })
    expect(response.status).toBe(200)
    expect(
      await env.accounts.authenticate(new Headers({ cookie: cookieOf(response) })),
    ).toMatchObject({ role: 'admin' })
    server.close()
  })

  test('variants of the sign-up path are closed too', async () => {
    for (const path of [
      '/sign-up/email/',
      '/sign-up//email',
      '/sign-up/email?x=1',
      '/./sign-up/email',
      '/sign-up%2Femail',
    ]) {
      await signUp(env.accounts, 'ada@example.com')
      const response = await env.accounts.handler(
        call(path, { email: 'bob@example.com', password, name: 'Bob' }),
      )
      expect(response.ok, path).toBe(false)
    }
    expect(await emails()).toEqual(['ada@example.com'])
  })

  test('exactly one of many concurrent first sign-ups succeeds, on two servers with small pools', async () => {
    const pools = [connectPostgres(env.url, { max: 2 }), connectPostgres(env.url, { max: 2 })]
    const servers = pools.map(({ db }) =>
      createAccounts({ ...settings, db, now: () => new Date() }),
    )
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

  test('a sign-up concurrent with ADMIN_EMAIL creates an account only if it is the first', async () => {
    const [response, ensured] = await Promise.all([
      signUp(env.accounts, 'ada@example.com'),
      env.accounts.ensureFirstAdmin({ email: 'root@example.com', password }),
    ])
    expect(ensured).toBe('created')
    const accounts = await env.db.select({ email: user.email }).from(user).orderBy(user.createdAt)
    expect(accounts.at(-1)?.email).toBe('root@example.com')
    expect(accounts).toHaveLength(response.ok ? 2 : 1)
  })

  test('a sign-up cannot choose a role', async () => {
    const body = { email: 'a@example.com', password, name: 'A', role: 'owner' }
    const response = await env.accounts.handler(call('/sign-up/email', body))
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ code: 'FIELD_NOT_ALLOWED' })
    expect(await emails()).toEqual([])
  })

  test('a short password is refused with the rule, and sign-up stays open', async () => {
    const response = await signUp(env.accounts, 'ada@example.com', 'ninechars')
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({
      code: 'PASSWORD_TOO_SHORT',
      message: 'A password needs at least 10 characters; this one has 9.',
    })
    expect(await env.accounts.signUpOpen()).toBe(true)
    expect((await signUp(env.accounts, 'ada@example.com', 'ten chars.')).status).toBe(200)
  })

  test('a foreign page cannot sign its visitor up or in', async () => {
    const foreign = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
    const body = { email: 'ada@example.com', password, name: 'Ada' }
    expect((await env.accounts.handler(call('/sign-up/email', body, foreign))).status).toBe(403)
    expect(await env.accounts.signUpOpen()).toBe(true)
    await signUp(env.accounts, 'ada@example.com')
    expect((await env.accounts.handler(call('/sign-in/email', body, foreign))).status).toBe(403)
  })
})

describe('the admin of ADMIN_EMAIL', () => {
  const admin = { email: 'root@example.com', password }

  test('is created once when several servers start together', async () => {
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => env.accounts.ensureFirstAdmin(admin)),
    )
    expect(answers.filter((answer) => answer === 'created')).toHaveLength(1)
    expect(await emails()).toEqual(['root@example.com'])
    expect((await env.accounts.authenticate(await signIn(env.accounts, admin.email)))?.role).toBe(
      'admin',
    )
    expect(await env.accounts.signUpOpen()).toBe(false)
  })

  test('keeps its password and role when the account exists', async () => {
    await env.accounts.ensureFirstAdmin(admin)
    await env.db.execute(sql`update "user" set role = 'user'`)
    expect(
      await env.accounts.ensureFirstAdmin({
        email: 'ROOT@example.com',
        password: 'another password',
      }),
    ).toBe('exists')
    expect((await env.accounts.authenticate(await signIn(env.accounts, admin.email)))?.role).toBe(
      'user',
    )
  })

  test('is not created with a weak password', async () => {
    await expect(env.accounts.ensureFirstAdmin({ ...admin, password: 'short' })).rejects.toThrow(
      'at least 10 characters',
    )
    expect(await emails()).toEqual([])
  })
})
