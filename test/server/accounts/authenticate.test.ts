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
  type AccountsHouse,
  call,
  openAccounts,
  password,
  settings,
  signIn,
  signUp,
} from './browser.ts'

const email = 'ada@example.com'
let house: AccountsHouse
let userId: string
let clock: number

beforeEach(async () => {
  house = await openAccounts()
  clock = 0
  userId = (await createAccount({ email, password, role: 'user' }, { db: house.db, settings }))
    .userId
})
afterEach(() => house.drop())

/** With a clock that only the test moves. */
function deps() {
  const { db } = house
  return {
    db,
    auth: createAuth(db, settings),
    verifyKey: createKeyVerifier({ db, now: () => clock }),
  }
}
const makeKey = async (expiresAt: Date | null = null) =>
  (await createApiKey({ userId, name: 'ci', expiresAt }, house.db)).key
const bearer = (key: string, more: Record<string, string> = {}) =>
  new Headers({ authorization: `Bearer ${key}`, ...more })
const change = (values: Partial<typeof user.$inferInsert>) =>
  house.db.update(user).set(values).where(eq(user.id, userId))
function known(principal: Principal | null): Principal {
  if (principal === null) throw new Error('Nobody was recognised')
  return principal
}
const anHourAgo = () => new Date(Date.now() - 3_600_000)

describe('a session', () => {
  test('signing in sets a cookie that tells who calls', async () => {
    const headers = await signIn(house.accounts, email)
    expect(await house.accounts.authenticate(headers)).toEqual({
      userId,
      email,
      name: 'ada',
      role: 'user',
      via: { kind: 'session', sessionId: expect.any(String), expiresAt: expect.any(Date) },
    })
  })

  test('the cookie is http-only and same-site, and for https only where the address is', async () => {
    const cookieFor = async (publicUrl: string) => {
      const { db } = house
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

  test('no cookie, a forged one and a wrong password are nobody', async () => {
    const { accounts } = house
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

  test('it ends with sign-out, expiry, suspension and a new password', async () => {
    const endings: [string, (headers: Headers) => Promise<unknown>][] = [
      [
        'sign-out',
        (headers) => house.accounts.handler(call('/sign-out', {}, Object.fromEntries(headers))),
      ],
      ['expiry', () => house.db.update(session).set({ expiresAt: anHourAgo() })],
      ['suspension', () => change({ banned: true })],
      ['a new password', () => setPassword(email, password, { db: house.db, settings })],
    ]
    for (const [name, end] of endings) {
      await change({ banned: false })
      const headers = await signIn(house.accounts, email)
      const principal = known(await house.accounts.authenticate(headers))
      expect([...(await house.accounts.findRevoked([principal]))], name).toEqual([])
      await end(headers)
      expect([...(await house.accounts.findRevoked([principal]))], name).toEqual([
        [principal, 'unauthenticated'],
      ])
      expect(await house.accounts.authenticate(headers), name).toBeNull()
    }
  })

  test('a suspension that is over is none', async () => {
    const headers = await signIn(house.accounts, email)
    await change({ banned: true, banExpires: anHourAgo() })
    const principal = known(await house.accounts.authenticate(headers))
    expect([...(await house.accounts.findRevoked([principal]))]).toEqual([])
  })

  test('a suspended person cannot sign in, and is told so', async () => {
    await change({ banned: true })
    await expect(signIn(house.accounts, email)).rejects.toThrow('This account is suspended')
  })

  test('a change of role ends what was let in under the old one', async () => {
    const headers = await signIn(house.accounts, email)
    const principal = known(await house.accounts.authenticate(headers))
    await change({ role: 'admin' })
    expect([...(await house.accounts.findRevoked([principal]))]).toEqual([[principal, 'forbidden']])
    const again = known(await house.accounts.authenticate(headers))
    expect(again.role).toBe('admin')
    expect([...(await house.accounts.findRevoked([again, principal]))]).toEqual([
      [principal, 'forbidden'],
    ])
  })

  test('looking does not prolong it; the browser asking does, and gets the new cookie', async () => {
    const headers = await signIn(house.accounts, email)
    const soon = new Date(Date.now() + 2 * 24 * 3600 * 1000)
    await house.db.update(session).set({ expiresAt: soon })
    expect(known(await house.accounts.authenticate(headers)).via).toMatchObject({ expiresAt: soon })
    const response = await house.accounts.handler(
      call('/get-session', undefined, Object.fromEntries(headers)),
    )
    expect(response.headers.getSetCookie().join()).toContain('searchlight.session_token=')
    const later = known(await house.accounts.authenticate(headers))
    expect(later.via.kind === 'session' && later.via.expiresAt > soon).toBe(true)
  })

  test('admins suspend others over HTTP, users do not; nobody makes accounts there', async () => {
    const ban = async (headers: Headers) =>
      (
        await house.accounts.handler(
          call('/admin/ban-user', { userId }, Object.fromEntries(headers)),
        )
      ).status
    expect(await ban(await signIn(house.accounts, email))).toBe(403)
    await createAccount(
      { email: 'root@example.com', password, role: 'admin' },
      { db: house.db, settings },
    )
    const root = await signIn(house.accounts, 'root@example.com')
    expect(await ban(root)).toBe(200)
    await expect(signIn(house.accounts, email)).rejects.toThrow('suspended')
    const made = { email: 'eve@example.com', password, name: 'Eve', role: 'admin' }
    expect(
      (await house.accounts.handler(call('/admin/create-user', made, Object.fromEntries(root))))
        .status,
    ).toBe(404)
    expect((await signUp(house.accounts, 'eve@example.com')).status).toBe(403)
  })
})

describe('an API key', () => {
  test('it tells who calls, and is kept as a hash only', async () => {
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
    const kept = JSON.stringify(await house.db.select().from(apiKey))
    expect(kept).not.toContain(key.slice(3))
  })

  test('a bad key is refused even beside a good cookie; other kinds of Authorization leave the cookie alone', async () => {
    const headers = await signIn(house.accounts, email)
    const cookie = headers.get('cookie') ?? ''
    expect(await authenticate(bearer(`sl_${'A'.repeat(43)}`, { cookie }), deps())).toBeNull()
    expect(await authenticate(new Headers({ authorization: 'Bearer', cookie }), deps())).toBeNull()
    expect(
      await authenticate(new Headers({ authorization: 'Basic YTpi', cookie }), deps()),
    ).not.toBeNull()
  })

  test('revoked, expired, and of a suspended owner it is refused', async () => {
    const endings: [string, () => Promise<unknown>][] = [
      ['revoked', () => revokeApiKey(userId, 'ci', house.db)],
      ['expired', () => house.db.update(apiKey).set({ expiresAt: anHourAgo() })],
      ['suspended', () => change({ banned: true })],
      ['deleted with its owner', () => house.db.delete(user).where(eq(user.id, userId))],
    ]
    for (const [name, end] of endings) {
      await house.db.delete(apiKey)
      const key = await makeKey()
      const principal = known(await authenticateKey(key, deps()))
      expect([...(await findRevoked([principal], deps()))], name).toEqual([])
      await end()
      expect([...(await findRevoked([principal], deps()))], name).toEqual([
        [principal, 'unauthenticated'],
      ])
      expect(await authenticateKey(key, deps()), name).toBeNull()
      await change({ banned: false })
    }
  })

  test('what was verified is remembered for 2 seconds, not longer', async () => {
    const key = await makeKey()
    const one = deps()
    expect(await authenticateKey(key, one)).not.toBeNull()
    await revokeApiKey(userId, 'ci', house.db)
    clock = 1_999
    expect(await authenticateKey(key, one)).not.toBeNull()
    clock = 2_000
    expect(await authenticateKey(key, one)).toBeNull()
  })

  test('it is not remembered past its own end', async () => {
    const key = await makeKey(new Date(Date.now() + 1_000))
    const one = deps()
    expect(await authenticateKey(key, one)).not.toBeNull()
    await house.db.update(apiKey).set({ expiresAt: anHourAgo() })
    clock = 1_000
    expect(await authenticateKey(key, one)).toBeNull()
  })

  test('its last use is written at most once a minute', async () => {
    const key = await makeKey()
    const lastUse = async () =>
      (await house.db.select({ at: apiKey.lastUsedAt }).from(apiKey))[0]?.at
    expect(await lastUse()).toBeNull()
    await authenticateKey(key, deps())
    const first = await lastUse()
    expect(first).toBeInstanceOf(Date)
    await authenticateKey(key, deps())
    expect(await lastUse()).toEqual(first)
    await house.db.update(apiKey).set({ lastUsedAt: sql`now() - interval '61 seconds'` })
    await authenticateKey(key, deps())
    expect((await lastUse())?.getTime()).toBeGreaterThanOrEqual(
      first?.getTime() ?? Number.POSITIVE_INFINITY,
    )
  })

  test('two active keys cannot share a name; a revoked one frees it', async () => {
    await makeKey()
    await expect(makeKey()).rejects.toThrow('already')
    await revokeApiKey(userId, 'ci', house.db)
    await expect(makeKey()).resolves.toMatch(/^sl_/)
  })
})
