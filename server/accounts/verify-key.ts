import { and, eq, isNull, lt, or, sql } from 'drizzle-orm'
import { notBanned, type Role, roleOf } from './account-status.ts'
import { hashOf } from './api-keys.ts'
import type { AccountsDatabase } from './auth.ts'
import { apiKey, user } from './schema.ts'

export interface KeyOwner {
  keyId: string
  userId: string
  email: string
  name: string
  role: Role
}

/** @returns the owner; null if the key is unknown, revoked or expired, or its owner suspended. */
export type VerifyKey = (key: string) => Promise<KeyOwner | null>

/** How long a server may still accept a key after it was revoked or its owner suspended. */
const cacheMs = 2_000
const maxCachedKeys = 10_000

/**
 * Verifies keys. Caches each success for 2 s, because a program may send a hundred requests a
 * second. Refusals are not cached: anyone could fill the memory with them.
 */
export function createKeyVerifier({
  db,
  now,
}: {
  db: AccountsDatabase
  now: () => Date
}): VerifyKey {
  const cache = new Map<string, { owner: KeyOwner; until: number }>()

  return async function verify(key) {
    const hash = hashOf(key)
    if (hash === null) return null
    const askedAt = now().getTime()
    const cached = cache.get(hash)
    if (cached && cached.until > askedAt) return cached.owner
    cache.delete(hash)

    const found = await findOwner(hash, db)
    if (found === null) return null
    await noteUse(found.owner.keyId, db)
    // A Map iterates in order of insertion, so the oldest entry comes first.
    for (const oldest of cache.keys()) if (cache.size >= maxCachedKeys) cache.delete(oldest)
    cache.set(hash, {
      owner: found.owner,
      until: askedAt + Math.min(cacheMs, found.expiresInMs ?? cacheMs),
    })
    return found.owner
  }
}

async function findOwner(
  hash: string,
  db: AccountsDatabase,
): Promise<{ owner: KeyOwner; expiresInMs: number | null } | null> {
  const [found] = await db
    .select({
      keyId: apiKey.id,
      userId: user.id,
      email: user.email,
      name: user.name,
      role: user.role,
      expiresInMs: sql<
        number | null
      >`(extract(epoch from ${apiKey.expiresAt} - now()) * 1000)::float8`,
    })
    .from(apiKey)
    .innerJoin(user, eq(user.id, apiKey.userId))
    .where(and(eq(apiKey.hash, hash), keyValid, notBanned))
  if (!found) return null
  const { role, expiresInMs, ...owner } = found
  return { owner: { ...owner, role: roleOf(role) }, expiresInMs }
}

/** Compares with the database's clock, so that all servers agree. */
export const keyValid = and(
  isNull(apiKey.revokedAt),
  or(isNull(apiKey.expiresAt), sql`${apiKey.expiresAt} > now()`),
)

/** Records the use, at most once a minute. */
async function noteUse(keyId: string, db: AccountsDatabase): Promise<void> {
  const aMinuteAgo = sql`now() - interval '1 minute'`
  await db
    .update(apiKey)
    .set({ lastUsedAt: sql`now()` })
    .where(
      and(eq(apiKey.id, keyId), or(isNull(apiKey.lastUsedAt), lt(apiKey.lastUsedAt, aMinuteAgo))),
    )
}
