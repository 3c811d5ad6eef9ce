import { parseArgs } from 'node:util'
import { asc } from 'drizzle-orm'
import { z } from 'zod'
import { readSettings } from '#jobs/settings.ts'
import { isBanned, roleOf } from './account-status.ts'
import { required, runCommand, table, WrongUsage, withAccountsDatabase } from './command-line.ts'
import { type AccountDeps, createAccount } from './create-account.ts'
import { generatePassword, passwordLength } from './password.ts'
import { user } from './schema.ts'
import { setPassword } from './set-password.ts'

const usage = `Usage:
  npm run user -- create   --email E [--password P] [--name N] [--admin]
  npm run user -- password --email E [--password P]
  npm run user -- list

  create    Creates an account.
  password  Sets a new password and signs the account out everywhere. Searchlight sends no mail,
            so it has no "forgot my password" link; use this command instead.
  list      Lists all accounts.

A password needs at least ${passwordLength.min} characters.
Without --password, a strong one is generated and printed.`

const options = {
  email: { type: 'string' },
  password: { type: 'string' },
  name: { type: 'string' },
  admin: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const

async function command(): Promise<string> {
  const { values: flags, positionals } = parseArgs({ options, allowPositionals: true })
  if (flags.help) return usage
  if (positionals.length > 1) throw new WrongUsage(`Unexpected argument "${positionals[1]}".`)
  switch (positionals[0]) {
    case 'create':
      return create(flags)
    case 'password':
      return changePassword(flags)
    case 'list':
      return withAccountsDatabase(list)
    case undefined:
      throw new WrongUsage('Name a command: create, password or list.')
    default:
      throw new WrongUsage(`Unknown command "${positionals[0]}".`)
  }
}

interface Flags {
  email?: string
  password?: string
  name?: string
  admin?: boolean
}

async function create(flags: Flags): Promise<string> {
  const email = required({ ...flags }, 'email')
  const password = flags.password ?? generatePassword()
  const role = flags.admin ? 'admin' : 'user'
  const name = flags.name?.trim() || undefined
  await withAccounts((deps) => createAccount({ email, password, name, role }, deps))
  const created = `Created the ${role === 'admin' ? 'admin' : 'account'} ${email}.`
  return flags.password === undefined
    ? `${created} The password is shown only once:\n${password}`
    : created
}

async function changePassword(flags: Flags): Promise<string> {
  const email = required({ ...flags }, 'email')
  const password = flags.password ?? generatePassword()
  await withAccounts((deps) => setPassword(email, password, deps))
  const changed = `Changed the password of ${email} and signed it out everywhere.`
  return flags.password === undefined
    ? `${changed} The new password is shown only once:\n${password}`
    : changed
}

async function list({ db }: Pick<AccountDeps, 'db'>): Promise<string> {
  const accounts = await db.select().from(user).orderBy(asc(user.createdAt), asc(user.id))
  if (accounts.length === 0)
    return 'There are no accounts yet. Create the first: npm run user -- create --email E --admin'
  const now = new Date()
  const rows = accounts.map((account) => [
    account.email,
    account.name,
    roleOf(account.role),
    isBanned(account, now) ? 'suspended' : 'active',
    account.createdAt.toISOString(),
  ])
  return table(['E-MAIL', 'NAME', 'ROLE', 'STATUS', 'CREATED'], rows)
}

function withAccounts<Result>(work: (deps: AccountDeps) => Promise<Result>): Promise<Result> {
  const { AUTH_SECRET } = readSettings(
    z.object({ AUTH_SECRET: z.string().min(32, 'at least 32 characters') }),
    process.env,
  )
  // publicUrl matters only for sign-in, which does not happen here.
  const settings = { secret: AUTH_SECRET, publicUrl: 'http://localhost' }
  return withAccountsDatabase(({ db }) => work({ db, settings }))
}

process.exitCode = await runCommand(usage, command)
