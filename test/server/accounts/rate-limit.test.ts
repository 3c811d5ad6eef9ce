import { afterEach, beforeEach, expect, test } from 'vitest'
import { type AccountsHouse, call, openAccounts, password, signUp } from './browser.ts'

let house: AccountsHouse
beforeEach(async () => {
  house = await openAccounts({ signInLimit: { max: 3, windowSeconds: 60 } })
  await signUp(house.accounts, 'ada@example.com')
})
afterEach(() => house.drop())

// better-auth counts in memory of the process: each test has addresses of its own.
const wrong = { email: 'ada@example.com', password: 'a wrong password' }
const tries = async (
  count: number,
  address: string | undefined,
  headers: Record<string, string> = {},
) => {
  const statuses: number[] = []
  for (let i = 0; i < count; i++) {
    statuses.push(
      (await house.accounts.handler(call('/sign-in/email', wrong, headers), address)).status,
    )
  }
  return statuses
}

test('one address that guesses passwords has to wait, others do not', async () => {
  expect(await tries(4, '198.51.100.1')).toEqual([401, 401, 401, 429])
  const right = await house.accounts.handler(
    call('/sign-in/email', { ...wrong, password }),
    '198.51.100.2',
  )
  expect(right.status).toBe(200)
})

test('a client cannot pose as another address by a header', async () => {
  const pose = (i: number) => ({
    'x-forwarded-for': `203.0.113.${i}`,
    'x-searchlight-client-address': `203.0.113.${i}`,
  })
  for (const address of ['198.51.100.3', undefined]) {
    const statuses = []
    for (let i = 0; i < 4; i++) statuses.push(...(await tries(1, address, pose(i))))
    expect(statuses, address).toEqual([401, 401, 401, 429])
  }
})

test('asking who is signed in is not limited', async () => {
  for (let i = 0; i < 150; i++) {
    expect((await house.accounts.handler(call('/get-session'), '127.0.0.1')).status).toBe(200)
  }
})
