import { parseArgs } from 'node:util'
import { createApiKey, listApiKeys, revokeApiKey } from './api-keys.ts'
import type { AccountsDatabase } from './auth.ts'
import { required, runCommand, table, WrongUsage, withAccountsDatabase } from './command-line.ts'
import { userIdOf } from './create-account.ts'

const usage = `Usage:
  npm run apikey -- create --email E --name N [--expires-days D]
  npm run apikey -- list   --email E
  npm run apikey -- revoke --email E --name N

  create  Creates an API key for the account. The last line of output is the key alone; it is
          shown only once. Without --expires-days, the key never expires.
  list    Lists the account's keys: names and dates, never the keys themselves.
  revoke  Revokes a key. Within 5 seconds, servers reject it and close its live connections.

Programs send the key as "Authorization: Bearer KEY".`

const options = {
  email: { type: 'string' },
  name: { type: 'string' },
  'expires-days': { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const

async function command(): Promise<string> {
  const { values: flags, positionals } = parseArgs({ options, allowPositionals: true })
  if (flags.help) return usage
  if (positionals.length > 1) throw new WrongUsage(`Unexpected argument "${positionals[1]}".`)
  const email = () => required(flags, 'email')
  const name = () => required(flags, 'name').trim()
  switch (positionals[0]) {
    case 'create':
      return create(email(), name(), daysFromNow(flags['expires-days']))
    case 'list':
      return list(email())
    case 'revoke':
      return revoke(email(), name())
    case undefined:
      throw new WrongUsage('Name a command: create, list or revoke.')
    default:
      throw new WrongUsage(`Unknown command "${positionals[0]}".`)
  }
}

async function create(email: string, name: string, expiresAt: Date | null): Promise<string> {
  const { key } = await forUser(email, (userId, db) =>
    createApiKey({ userId, name, expiresAt }, db),
  )
  const expiry = expiresAt ? `It expires at ${expiresAt.toISOString()}.` : 'It does not expire.'
  return `Created the API key "${name}" for ${email}. ${expiry} The key is shown only once:\n${key}`
}

async function list(email: string): Promise<string> {
  const found = await forUser(email, listApiKeys)
  if (found.length === 0) return `${email} has no API keys.`
  const now = new Date()
  const rows = found.map((key) => [
    key.name,
    key.revokedAt ? 'revoked' : key.expiresAt && key.expiresAt <= now ? 'expired' : 'active',
    key.createdAt.toISOString(),
    key.lastUsedAt?.toISOString() ?? 'never',
    key.expiresAt?.toISOString() ?? 'never',
  ])
  return table(['NAME', 'STATUS', 'CREATED', 'LAST USED', 'EXPIRES'], rows)
}

async function revoke(email: string, name: string): Promise<string> {
  await forUser(email, (userId, db) => revokeApiKey(userId, name, db))
  return `Revoked the API key "${name}" of ${email}.`
}

function forUser<Result>(
  email: string,
  work: (userId: string, db: AccountsDatabase) => Promise<Result>,
): Promise<Result> {
  return withAccountsDatabase(async ({ db }) => work(await userIdOf(email, db), db))
}

function daysFromNow(days: string | undefined): Date | null {
  if (days === undefined) return null
  const count = Number(days)
  if (!Number.isInteger(count) || count < 1 || count > 3650)
    throw new WrongUsage('--expires-days must be a whole number from 1 to 3650.')
  return new Date(Date.now() + count * 24 * 3600 * 1000)
}

process.exitCode = await runCommand(usage, command)
