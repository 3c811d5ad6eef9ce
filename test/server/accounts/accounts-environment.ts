import { connectPostgres, type Postgres } from '#jobs/postgres/connect.ts'
import { migrateDatabase } from '#jobs/postgres/migrate.ts'
import { type Accounts, createAccounts } from '#server/accounts/accounts.ts'
import type { AuthSettings } from '#server/accounts/auth.ts'
import { accountsMigrations } from '#server/accounts/migrations.ts'
import { createDatabase } from '#test/services.ts'

export const publicUrl = 'http://localhost:3000'
export const settings: AuthSettings = { secret: 'Zb7qXn2eLw9sRk4tVh6yUm1cPd8fGj3a', publicUrl }
export const password = 'correct horse battery'

export interface AccountsEnvironment extends Postgres {
  url: string
  accounts: Accounts
  drop(): Promise<void>
}

/** Accounts on a new, migrated database. */
export async function openAccountsEnvironment(
  changes: Partial<AuthSettings> = {},
): Promise<AccountsEnvironment> {
  const { url, drop } = await createDatabase()
  await migrateDatabase(url, accountsMigrations)
  const postgres = connectPostgres(url)
  const accounts = createAccounts({
    ...settings,
    ...changes,
    db: postgres.db,
    now: () => new Date(),
  })
  return {
    ...postgres,
    url,
    accounts,
    async drop() {
      await postgres.close()
      await drop()
    },
  }
}

let addresses = 0
/** Sign-ins are limited by address, over all files of this process. */
const nextAddress = () => `2001:db8:0:${(++addresses).toString(16)}::1`

/** A request as a page of `publicUrl` sends it. */
export function call(path: string, body?: object, headers: Record<string, string> = {}): Request {
  return new Request(`${publicUrl}/api/auth${path}`, {
    method: body ? 'POST' : 'GET',
    headers: {
      origin: publicUrl,
      ...(body ? { 'content-type': 'application/json' } : {}),
      ...headers,
    },
    body: body ? JSON.stringify(body) : undefined,
  })
}

export function signUp(
  accounts: Accounts,
  email: string,
  chosenPassword = password,
): Promise<Response> {
  return accounts.handler(
    call('/sign-up/email', { email, password: chosenPassword, name: 'Someone' }),
    nextAddress(),
  )
}

/** Signs in. @returns the headers that the browser would send from then on. */
export async function signIn(
  accounts: Accounts,
  email: string,
  chosenPassword = password,
): Promise<Headers> {
  const response = await accounts.handler(
    call('/sign-in/email', { email, password: chosenPassword }),
    nextAddress(),
  )
  if (!response.ok) throw new Error(`Sign-in answered ${response.status}: ${await response.text()}`)
  return new Headers({ origin: publicUrl, cookie: cookieOf(response) })
}

export function cookieOf(response: Response): string {
  return response.headers
    .getSetCookie()
    .map((cookie) => cookie.split(';')[0])
    .join('; ')
}
