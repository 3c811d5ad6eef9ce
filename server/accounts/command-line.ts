import { z } from 'zod'
import { connectPostgres, type Postgres } from '#jobs/postgres/connect.ts'
import { migrateDatabase } from '#jobs/postgres/migrate.ts'
import { commonSettings, InvalidSettings, readSettings } from '#jobs/settings.ts'
import { ApiKeyNameTaken, UnknownApiKey } from './api-keys.ts'
import { EmailTaken, InvalidEmail, UnknownUser } from './create-account.ts'
import { accountsMigrations } from './migrations.ts'
import { WeakPassword } from './password.ts'

/** The command was not given as its usage says. Exit code 2. */
export class WrongUsage extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'WrongUsage'
  }
}

/** What a person can put right from the message alone. */
const expected = [
  InvalidSettings,
  InvalidEmail,
  EmailTaken,
  UnknownUser,
  WeakPassword,
  ApiKeyNameTaken,
  UnknownApiKey,
]

/**
 * Runs a command to its end: what it returns is printed, failures go to stderr.
 * @returns the exit code: 0, 1 for a failure, 2 for a wrong usage.
 */
export async function runCommand(usage: string, command: () => Promise<string>): Promise<number> {
  try {
    process.stdout.write(`${await command()}\n`)
    return 0
  } catch (error) {
    if (error instanceof WrongUsage || isParseArgsError(error)) {
      console.error(`${error.message}\n\n${usage}`)
      return 2
    }
    console.error(isExpected(error) ? error.message : (noDatabase(error) ?? error))
    return 1
  }
}

/** A flag without which the command makes no sense. */
export function required(
  flags: Record<string, string | boolean | undefined>,
  name: string,
): string {
  const value = flags[name]
  if (typeof value === 'string' && value.trim() !== '') return value
  throw new WrongUsage(`--${name} is missing.`)
}

/** The database with its tables brought up to date, for the length of `work`. */
export async function withAccountsDatabase<Result>(
  work: (postgres: Postgres) => Promise<Result>,
): Promise<Result> {
  const { DATABASE_URL } = readSettings(
    z.object({ DATABASE_URL: commonSettings.shape.DATABASE_URL }),
    process.env,
  )
  await migrateDatabase(DATABASE_URL, accountsMigrations)
  const postgres = connectPostgres(DATABASE_URL, { max: 2, name: 'searchlight-command' })
  try {
    return await work(postgres)
  } finally {
    await postgres.close()
  }
}

/** Rows under their titles, in columns as wide as they need. */
export function table(titles: string[], rows: string[][]): string {
  const widths = titles.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)),
  )
  const line = (cells: string[]) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  return [titles, ...rows].map(line).join('\n')
}

function isExpected(error: unknown): error is Error {
  return expected.some((kind) => error instanceof kind)
}

/**
 * A sentence for what keeps people from their database: no such server, wrong password, no such
 * database.
 */
function noDatabase(error: unknown): string | null {
  const { data } = z.object({ code: z.string(), message: z.string() }).safeParse(error)
  if (!data || !/^(ECONN|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOST|ENET|28|3D|57P03)/.test(data.code))
    return null
  return `The database of DATABASE_URL can't be used: ${data.message || data.code}`
}

function isParseArgsError(error: unknown): error is Error & { code: string } {
  return (
    error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')
  )
}
