import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { and, asc, DrizzleQueryError, eq, isNull, sql } from 'drizzle-orm'
import pg from 'pg'
import type { AccountsDatabase } from './auth.ts'
import { apiKey } from './schema.ts'

/** The user already has an active key of this name. */
export class ApiKeyNameTaken extends Error {
  constructor(name: string) {
    super(`An API key named "${name}" already exists. Revoke it first, or choose another name.`)
    this.name = 'ApiKeyNameTaken'
  }
}

export class UnknownApiKey extends Error {
  constructor(name: string) {
    super(`There is no active API key named "${name}".`)
    this.name = 'UnknownApiKey'
  }
}

export interface NewApiKey {
  userId: string
  /** The key's purpose, for people. Unique among the user's active keys. */
  name: string
  expiresAt: Date | null
}

const pattern = /^sl_[A-Za-z0-9_-]{43}$/

/** @returns the hash that is stored for a key; null if the text can't be a key. */
export function hashOf(key: string): string | null {
  return pattern.test(key) ? createHash('sha256').update(key).digest('hex') : null
}

/**
 * @returns the key. Only its hash is stored, so it cannot be shown again.
 * @throws {ApiKeyNameTaken}
 */
export async function createApiKey(
  newKey: NewApiKey,
  db: AccountsDatabase,
): Promise<{ keyId: string; key: string }> {
  const key = `sl_${randomBytes(32).toString('base64url')}`
  const keyId = randomUUID()
  try {
    await db
      .insert(apiKey)
      .values({ ...newKey, id: keyId, hash: createHash('sha256').update(key).digest('hex') })
  } catch (error) {
    if (violatesUniqueName(error)) throw new ApiKeyNameTaken(newKey.name)
    throw error
  }
  return { keyId, key }
}

/** All keys of a user, including expired and revoked ones, oldest first. */
export async function listApiKeys(userId: string, db: AccountsDatabase) {
  const { id, name, createdAt, lastUsedAt, expiresAt, revokedAt } = apiKey
  return db
    .select({ id, name, createdAt, lastUsedAt, expiresAt, revokedAt })
    .from(apiKey)
    .where(eq(apiKey.userId, userId))
    .orderBy(asc(createdAt), asc(id))
}

/**
 * Servers that have just verified the key may accept it for 2 more seconds.
 * @throws {UnknownApiKey}
 */
export async function revokeApiKey(
  userId: string,
  name: string,
  db: AccountsDatabase,
): Promise<void> {
  const revoked = await db
    .update(apiKey)
    .set({ revokedAt: sql`now()` })
    .where(and(eq(apiKey.userId, userId), eq(apiKey.name, name), isNull(apiKey.revokedAt)))
    .returning({ id: apiKey.id })
  if (revoked.length === 0) throw new UnknownApiKey(name)
}

function violatesUniqueName(error: unknown): boolean {
  const cause = error instanceof DrizzleQueryError ? error.cause : error
  return cause instanceof pg.DatabaseError && cause.constraint === 'api_key_name_in_use'
}
