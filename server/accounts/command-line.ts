import { z } from 'zod'
import { errorForLog } from '#jobs/error-for-log.ts'
import { connectPostgres, type Postgres } from '#jobs/postgres/connect.ts'
import { migrateDatabase } from '#jobs/postgres/migrate.ts'
import { commonSettings, InvalidSettings, readSettings } from '#jobs/settings.ts'
import { ApiKeyNameTaken, UnknownApiKey } from './api-keys.ts'
import { EmailTaken, InvalidEmail, UnknownUser } from './create-account.ts'
import { accountsMigrations } from './migrations.ts'
import { WeakPassword } from './password.ts'

/** The arguments do not match the command's usage. Exit code 2. */
export class WrongUsage extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'WrongUsage'
  }
}

/** Errors whose message alone tells a person how to fix them. */
const expectedErrors = [
  InvalidSettings,
  InvalidEmail,
  EmailTaken,
  UnknownUser,
  WeakPassword,
  ApiKeyNameTaken,
  UnknownApiKey,
]

/**
 * Runs a command and prints its result; errors go to stderr.
 * @returns the exit code: 0 on success, 1 on failure, 2 on wrong usage
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
    console.error(
      isExpected(error) ? error.message : (databaseProblem(error) ?? errorForLog(error).stack),
    )
    return 1
  }
}

/** @throws {WrongUsage} if the flag is missing or blank. */
export function required(
  flags: Record<string, string | boolean | undefined>,
  name: string,
): string {
  const value = flags[name]
  if (typeof value === 'string' && value.trim() !== '') return value
  throw new WrongUsage(`--${name} is missing.`)
}

/** Migrates the accounts database, connects to it, and disconnects once `work` has settled. */
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

/** Formats rows under their titles, in columns as wide as their longest cell. */
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
  return expectedErrors.some((kind) => error instanceof kind)
}

/**
 * A message for a database that can't be reached or used: no such server, wrong password, no such
 * database. Null for other errors.
 */
function databaseProblem(error: unknown): string | null {
  const { data } = z.object({ code: z.string(), message: z.string() }).safeParse(error)
  if (!data || !/^(ECONN|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOST|ENET|28|3D|57P03)/.test(data.code))
    return null
  return `Cannot use the database in DATABASE_URL: ${data.message || data.code}`
}

function isParseArgsError(error: unknown): error is Error & { code: string } {
  return (
    error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')
  )
}
