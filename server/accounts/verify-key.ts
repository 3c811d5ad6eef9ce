import { and, eq, isNull, lt, or, sql } from 'drizzle-orm'
import { hashOf } from './api-keys.ts'
import type { AccountsDatabase } from './auth.ts'
import { apiKey, user } from './schema.ts'
import { notBanned, type Role, roleOf } from './standing.ts'

export interface KeyOwner {
  keyId: string
  userId: string
  email: string
  name: string
  role: Role
}

/** Who holds this key; null if it is unknown, revoked or expired, or its owner suspended. */
export type VerifyKey = (key: string) => Promise<KeyOwner | null>

/** So long may a key still be let in after it was revoked or its owner suspended. */
const keptMs = 2_000
const keptAtMost = 10_000

/**
 * Remembers what it verified for 2 s, since a program may ask a hundred times a second. Refusals
 * are not remembered: anybody could fill the memory with them.
 */
export function createKeyVerifier({
  db,
  now,
}: {
  db: AccountsDatabase
  now: () => number
}): VerifyKey {
  const known = new Map<string, { owner: KeyOwner; until: number }>()

  return async function verify(key) {
    const hash = hashOf(key)
    if (hash === null) return null
    const remembered = known.get(hash)
    if (remembered && remembered.until > now()) return remembered.owner
    known.delete(hash)

    const askedAt = now()
    const found = await findOwner(hash, db)
    if (found === null) return null
    await noteUse(found.owner.keyId, db)
    // The oldest is the first: a Map keeps the order in which things were put in.
    for (const oldest of known.keys()) if (known.size >= keptAtMost) known.delete(oldest)
    known.set(hash, {
      owner: found.owner,
      until: askedAt + Math.min(keptMs, found.expiresInMs ?? keptMs),
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
    .where(and(eq(apiKey.hash, hash), keyInForce, notBanned))
  if (!found) return null
  const { role, expiresInMs, ...owner } = found
  return { owner: { ...owner, role: roleOf(role) }, expiresInMs }
}

/** By the database's clock, so that all servers agree. */
export const keyInForce = and(
  isNull(apiKey.revokedAt),
  or(isNull(apiKey.expiresAt), sql`${apiKey.expiresAt} > now()`),
)

/** Once a minute is enough to see whether a key is in use. */
async function noteUse(keyId: string, db: AccountsDatabase): Promise<void> {
  const aMinuteAgo = sql`now() - interval '1 minute'`
  await db
    .update(apiKey)
    .set({ lastUsedAt: sql`now()` })
    .where(
      and(eq(apiKey.id, keyId), or(isNull(apiKey.lastUsedAt), lt(apiKey.lastUsedAt, aMinuteAgo))),
    )
}
