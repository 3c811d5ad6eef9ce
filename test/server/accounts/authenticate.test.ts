import { eq, sql } from 'drizzle-orm'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createApiKey, revokeApiKey } from '#server/accounts/api-keys.ts'
import { createAuth } from '#server/accounts/auth.ts'
import {
  authenticate,
  authenticateKey,
  findRevoked,
  type Principal,
} from '#server/accounts/authenticate.ts'
import { createAccount } from '#server/accounts/create-account.ts'
import { apiKey, session, user } from '#server/accounts/schema.ts'
import { setPassword } from '#server/accounts/set-password.ts'
import { createKeyVerifier } from '#server/accounts/verify-key.ts'
import {
  type AccountsEnvironment,
  call,
  openAccountsEnvironment,
  password,
  settings,
  signIn,
  signUp,
} from './accounts-environment.ts'

const email = 'ada@example.com'
let env: AccountsEnvironment
let userId: string
let clock: number

beforeEach(async () => {
  env = await openAccountsEnvironment()
  clock = 0
  userId = (await createAccount({ email, password, role: 'user' }, { db: env.db, settings })).userId
})
afterEach(() => env.drop())

/** With a clock that only the test advances. */
function deps() {
  const { db } = env
  const now = () => new Date(clock)
  return {
    db,
    auth: createAuth(db, settings),
    now,
    verifyKey: createKeyVerifier({ db, now }),
  }
}
const makeKey = async (expiresAt: Date | null = null) =>
  (await createApiKey({ userId, name: 'ci', expiresAt }, env.db)).key
const bearer = (key: string, more: Record<string, string> = {}) =>
  new Headers({ authorization: `Bearer ${key}`, ...more })
const change = (values: Partial<typeof user.$inferInsert>) =>
  env.db.update(user).set(values).where(eq(user.id, userId))
function authenticated(principal: Principal | null): Principal {
  if (principal === null) throw new Error('Not authenticated')
  return principal
}
const anHourAgo = () => new Date(Date.now() - 3_600_000)

describe('a session', () => {
  test('signing in sets a cookie that identifies the user', async () => {
    const headers = await signIn(env.accounts, email)
    expect(await env.accounts.authenticate(headers)).toEqual({
      userId,
      email,
      name: 'ada',
      role: 'user',
      via: { kind: 'session', sessionId: expect.any(String), expiresAt: expect.any(Date) },
    })
  })

  test('the cookie is HttpOnly and SameSite, and Secure if the address is https', async () => {
    const cookieFor = async (publicUrl: string) => {
      const { db } = env
      const auth = createAuth(db, { ...settings, publicUrl })
      const signInCall = new Request(`${publicUrl}/api/auth/sign-in/email`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', origin: publicUrl },
        body: JSON.stringify({ email, password }),
      })
      return (await auth.handler(signInCall)).headers.getSetCookie().join()
    }
    const plain = await cookieFor('http://localhost:3000')
    expect(plain).toMatch(/^searchlight\.session_token=.*HttpOnly.*SameSite=Lax/)
    expect(plain).not.toContain('Secure')
    expect(await cookieFor('https://search.example')).toMatch(
      /^__Secure-searchlight\.session_token=.*Secure/,
    )
  })

  test('a missing cookie, a forged cookie and a wrong password do not authenticate', async () => {
    const { accounts } = env
    expect(await accounts.authenticate(new Headers())).toBeNull()
    const cookie = (await signIn(accounts, email)).get('cookie') ?? ''
    const forged = cookie.replace(
      /(session_token=)(.)/,
      (_all, name, first) => name + (first === 'A' ? 'B' : 'A'),
    )
    expect(forged).not.toBe(cookie)
    expect(await accounts.authenticate(new Headers({ cookie: forged }))).toBeNull()
    await expect(signIn(accounts, email, 'a wrong password')).rejects.toThrow('401')
  })

  test('sign-out, expiry, suspension and a new password end a session', async () => {
    const endings: [string, (headers: Headers) => Promise<unknown>][] = [
      [
        'sign-out',
        (headers) => env.accounts.handler(call('/sign-out', {}, Object.fromEntries(headers))),
      ],
      ['expiry', () => env.db.update(session).set({ expiresAt: anHourAgo() })],
      ['suspension', () => change({ banned: true })],
      ['a new password', () => setPassword(email, password, { db: env.db, settings })],
    ]
    for (const [name, end] of endings) {
      await change({ banned: false })
      const headers = await signIn(env.accounts, email)
      const principal = authenticated(await env.accounts.authenticate(headers))
      expect([...(await env.accounts.findRevoked([principal]))], name).toEqual([])
      await end(headers)
      expect([...(await env.accounts.findRevoked([principal]))], name).toEqual([
        [principal, 'unauthenticated'],
      ])
      expect(await env.accounts.authenticate(headers), name).toBeNull()
    }
  })

  test('an expired suspension has no effect', async () => {
    const headers = await signIn(env.accounts, email)
    await change({ banned: true, banExpires: anHourAgo() })
    const principal = authenticated(await env.accounts.authenticate(headers))
    expect([...(await env.accounts.findRevoked([principal]))]).toEqual([])
  })

  test('a suspended user cannot sign in, and the answer says why', async () => {
    await change({ banned: true })
    await expect(signIn(env.accounts, email)).rejects.toThrow('This account is suspended')
  })

  test('a change of role revokes principals with the old role', async () => {
    const headers = await signIn(env.accounts, email)
    const principal = authenticated(await env.accounts.authenticate(headers))
    await change({ role: 'admin' })
    expect([...(await env.accounts.findRevoked([principal]))]).toEqual([[principal, 'forbidden']])
    const again = authenticated(await env.accounts.authenticate(headers))
    expect(again.role).toBe('admin')
    expect([...(await env.accounts.findRevoked([again, principal]))]).toEqual([
      [principal, 'forbidden'],
    ])
  })

  test('authenticating does not extend a session; get-session does, and sets the new cookie', async () => {
    const headers = await signIn(env.accounts, email)
    const soon = new Date(Date.now() + 2 * 24 * 3600 * 1000)
    await env.db.update(session).set({ expiresAt: soon })
    expect(authenticated(await env.accounts.authenticate(headers)).via).toMatchObject({
      expiresAt: soon,
    })
    const response = await env.accounts.handler(
      call('/get-session', undefined, Object.fromEntries(headers)),
    )
    expect(response.headers.getSetCookie().join()).toContain('searchlight.session_token=')
    const later = authenticated(await env.accounts.authenticate(headers))
    expect(later.via.kind === 'session' && later.via.expiresAt > soon).toBe(true)
  })

  test('only admins can suspend users over HTTP; no one can create accounts there', async () => {
    const ban = async (headers: Headers) =>
      (await env.accounts.handler(call('/admin/ban-user', { userId }, Object.fromEntries(headers))))
        .status
    expect(await ban(await signIn(env.accounts, email))).toBe(403)
    await createAccount(
      { email: 'root@example.com', password, role: 'admin' },
      { db: env.db, settings },
    )
    const root = await signIn(env.accounts, 'root@example.com')
    expect(await ban(root)).toBe(200)
    await expect(signIn(env.accounts, email)).rejects.toThrow('suspended')
    const account = { email: 'eve@example.com', password, name: 'Eve', role: 'admin' }
    expect(
      (await env.accounts.handler(call('/admin/create-user', account, Object.fromEntries(root))))
        .status,
    ).toBe(404)
    expect((await signUp(env.accounts, 'eve@example.com')).status).toBe(403)
  })
})

describe('an API key', () => {
  test('a key identifies its owner and is stored only as a hash', async () => {
    const key = await makeKey()
    expect(key).toMatch(/^sl_[A-Za-z0-9_-]{43}$/)
    const principal = {
      userId,
      email,
      name: 'ada',
      role: 'user',
      via: { kind: 'key', keyId: expect.any(String) },
    }
    expect(await authenticate(bearer(key), deps())).toEqual(principal)
    expect(await authenticateKey(key, deps())).toEqual(principal)
    const stored = JSON.stringify(await env.db.select().from(apiKey))
    expect(stored).not.toContain(key.slice(3))
  })

  test('an invalid key is refused even beside a valid cookie; other Authorization schemes are ignored', async () => {
    const headers = await signIn(env.accounts, email)
    const cookie = headers.get('cookie') ?? ''
    expect(await authenticate(bearer(`sl_${'A'.repeat(43)}`, { cookie }), deps())).toBeNull()
    expect(await authenticate(new Headers({ authorization: 'Bearer', cookie }), deps())).toBeNull()
    expect(
      await authenticate(new Headers({ authorization: 'Basic YTpi', cookie }), deps()),
    ).not.toBeNull()
  })

  test('a revoked or expired key is refused, and so is the key of a suspended owner', async () => {
    const endings: [string, () => Promise<unknown>][] = [
      ['revoked', () => revokeApiKey(userId, 'ci', env.db)],
      ['expired', () => env.db.update(apiKey).set({ expiresAt: anHourAgo() })],
      ['suspended', () => change({ banned: true })],
      ['deleted with its owner', () => env.db.delete(user).where(eq(user.id, userId))],
    ]
    for (const [name, end] of endings) {
      await env.db.delete(apiKey)
      const key = await makeKey()
      const principal = authenticated(await authenticateKey(key, deps()))
      expect([...(await findRevoked([principal], deps()))], name).toEqual([])
      await end()
      expect([...(await findRevoked([principal], deps()))], name).toEqual([
        [principal, 'unauthenticated'],
      ])
      expect(await authenticateKey(key, deps()), name).toBeNull()
      await change({ banned: false })
    }
  })

  test('a successful verification is cached for 2 seconds', async () => {
    const key = await makeKey()
    const shared = deps()
    expect(await authenticateKey(key, shared)).not.toBeNull()
    await revokeApiKey(userId, 'ci', env.db)
    clock = 1_999
    expect(await authenticateKey(key, shared)).not.toBeNull()
    clock = 2_000
    expect(await authenticateKey(key, shared)).toBeNull()
  })

  test('a key is not cached beyond its expiry', async () => {
    const key = await makeKey(new Date(Date.now() + 1_000))
    const shared = deps()
    expect(await authenticateKey(key, shared)).not.toBeNull()
    await env.db.update(apiKey).set({ expiresAt: anHourAgo() })
    clock = 1_000
    expect(await authenticateKey(key, shared)).toBeNull()
  })

  test('the last use is recorded at most once a minute', async () => {
    const key = await makeKey()
    const lastUse = async () => (await env.db.select({ at: apiKey.lastUsedAt }).from(apiKey))[0]?.at
    expect(await lastUse()).toBeNull()
    await authenticateKey(key, deps())
    const first = await lastUse()
    expect(first).toBeInstanceOf(Date)
    await authenticateKey(key, deps())
    expect(await lastUse()).toEqual(first)
    await env.db.update(apiKey).set({ lastUsedAt: sql`now() - interval '61 seconds'` })
    await authenticateKey(key, deps())
    expect((await lastUse())?.getTime()).toBeGreaterThanOrEqual(
      first?.getTime() ?? Number.POSITIVE_INFINITY,
    )
  })

  test('two active keys cannot share a name; revoking a key frees its name', async () => {
    await makeKey()
    await expect(makeKey()).rejects.toThrow('already')
    await revokeApiKey(userId, 'ci', env.db)
    await expect(makeKey()).resolves.toMatch(/^sl_/)
  })
})
