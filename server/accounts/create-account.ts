import { eq, sql } from 'drizzle-orm'
import { z } from 'zod'
import { type AccountsDatabase, type AuthSettings, createAuth } from './auth.ts'
import { checkPassword } from './password.ts'
import { user } from './schema.ts'
import type { Role } from './standing.ts'

export interface NewAccount {
  email: string
  password: string
  /** What stands before the @ by default. */
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
    super(`There is an account with the e-mail address ${email} already.`)
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
 * Runs `work` in a transaction while nobody else makes an account, on any server: what it reads
 * stays true until it commits. Lock and work share one connection, so that waiting ones can't take
 * from the pool what the first still needs.
 */
export function oneAtATime<Result>(
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
 * @throws {EmailTaken} also when somebody else was faster by a moment.
 */
export async function createAccount(
  account: NewAccount,
  { db, settings }: AccountDeps,
): Promise<{ userId: string }> {
  const email = account.email.trim().toLowerCase()
  if (!z.email().safeParse(email).success) throw new InvalidEmail(account.email)
  checkPassword(account.password)
  return oneAtATime(db, async (transaction) => {
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
 * For ADMIN_EMAIL and ADMIN_PASSWORD when a server starts. An account that exists stays as it is,
 * its password above all.
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
    if (error instanceof EmailTaken) return 'exists' // by another server that started with us
    throw error
  }
}
