import { eq, sql } from 'drizzle-orm'
import { z } from 'zod'
import type { Role } from './account-status.ts'
import { type AccountsDatabase, type AuthSettings, createAuth } from './auth.ts'
import { checkPassword } from './password.ts'
import { user } from './schema.ts'

export interface NewAccount {
  email: string
  password: string
  /** Default: the part of the e-mail address before the @. */
  name?: string
  role: Role
}

export interface AccountDeps {
  db: AccountsDatabase
  settings: AuthSettings
}

export class InvalidEmail extends Error {
  constructor(email: string) {
    super(`"${email}" is not an e-mail address.`)
    this.name = 'InvalidEmail'
  }
}

export class EmailTaken extends Error {
  readonly email: string
  constructor(email: string) {
    super(`An account with the e-mail address ${email} already exists.`)
    this.name = 'EmailTaken'
    this.email = email
  }
}

export class UnknownUser extends Error {
  readonly email: string
  constructor(email: string) {
    super(`There is no account with the e-mail address ${email}.`)
    this.name = 'UnknownUser'
    this.email = email
  }
}

/**
 * Runs `work` in a transaction that excludes every other creation of an account, on all servers:
 * the accounts that it reads stay the same until it commits. The lock and `work` share one
 * connection; otherwise callers waiting for the lock could use up the pool and block its holder.
 */
export function withAccountsLock<Result>(
  db: AccountsDatabase,
  work: (transaction: AccountsDatabase) => Promise<Result>,
): Promise<Result> {
  return db.transaction(async (transaction) => {
    await transaction.execute(
      sql`select pg_advisory_xact_lock(hashtextextended('searchlight accounts', 0))`,
    )
    return work(transaction)
  })
}

export async function anyAccount(db: AccountsDatabase): Promise<boolean> {
  const found = await db.select({ id: user.id }).from(user).limit(1)
  return found.length > 0
}

/** @throws {UnknownUser} */
export async function userIdOf(email: string, db: AccountsDatabase): Promise<string> {
  const address = email.trim().toLowerCase()
  const [found] = await db.select({ id: user.id }).from(user).where(eq(user.email, address))
  if (!found) throw new UnknownUser(address)
  return found.id
}

/**
 * @throws {InvalidEmail}
 * @throws {WeakPassword}
 * @throws {EmailTaken} if the address has an account, even one created by a concurrent call
 */
export async function createAccount(
  account: NewAccount,
  { db, settings }: AccountDeps,
): Promise<{ userId: string }> {
  const email = account.email.trim().toLowerCase()
  if (!z.email().safeParse(email).success) throw new InvalidEmail(account.email)
  checkPassword(account.password)
  return withAccountsLock(db, async (transaction) => {
    const taken = await transaction.select({ id: user.id }).from(user).where(eq(user.email, email))
    if (taken.length > 0) throw new EmailTaken(email)
    const created = await createAuth(transaction, settings).api.createUser({
      body: {
        email,
        password: account.password,
        name: account.name ?? email.replace(/@.*/, ''),
        role: account.role,
      },
    })
    return { userId: created.user.id }
  })
}

/**
 * Creates the admin of ADMIN_EMAIL and ADMIN_PASSWORD when a server starts. An existing account is
 * left unchanged, including its password.
 * @throws {InvalidEmail}
 * @throws {WeakPassword}
 */
export async function ensureFirstAdmin(
  admin: { email: string; password: string },
  deps: AccountDeps,
): Promise<'created' | 'exists'> {
  try {
    await userIdOf(admin.email, deps.db)
    return 'exists'
  } catch (error) {
    if (!(error instanceof UnknownUser)) throw error
  }
  try {
    await createAccount({ ...admin, role: 'admin' }, deps)
    return 'created'
  } catch (error) {
    // Another server, started at the same time, has created it.
    if (error instanceof EmailTaken) return 'exists'
    throw error
  }
}
