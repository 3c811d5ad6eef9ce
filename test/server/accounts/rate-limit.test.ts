import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  type AccountsEnvironment,
  call,
  openAccountsEnvironment,
  password,
  signUp,
} from './accounts-environment.ts'

let env: AccountsEnvironment
beforeEach(async () => {
  env = await openAccountsEnvironment({ signInLimit: { max: 3, windowSeconds: 60 } })
  await signUp(env.accounts, 'ada@example.com')
})
afterEach(() => env.drop())

// better-auth counts per process, in memory, so each test uses its own addresses.
const wrongSignIn = { email: 'ada@example.com', password: 'a wrong password' }
const attemptSignIn = async (
  count: number,
  address: string | undefined,
  headers: Record<string, string> = {},
) => {
  const statuses: number[] = []
  for (let i = 0; i < count; i++) {
    statuses.push(
      (await env.accounts.handler(call('/sign-in/email', wrongSignIn, headers), address)).status,
    )
  }
  return statuses
}

test('an address that guesses passwords must wait; others need not', async () => {
  expect(await attemptSignIn(4, '198.51.100.1')).toEqual([401, 401, 401, 429])
  const right = await env.accounts.handler(
    call('/sign-in/email', { ...wrongSignIn, password }),
    '198.51.100.2',
  )
  expect(right.status).toBe(200)
})

test('a client cannot forge its address with a header', async () => {
  const forgedAddress = (i: number) => ({
    'x-forwarded-for': `203.0.113.${i}`,
    'x-searchlight-client-address': `203.0.113.${i}`,
  })
  for (const address of ['198.51.100.3', undefined]) {
    const statuses = []
    for (let i = 0; i < 4; i++)
      statuses.push(...(await attemptSignIn(1, address, forgedAddress(i))))
    expect(statuses, address).toEqual([401, 401, 401, 429])
  }
})

test('get-session is not limited', async () => {
  for (let i = 0; i < 150; i++) {
    expect((await env.accounts.handler(call('/get-session'), '127.0.0.1')).status).toBe(200)
  }
})
