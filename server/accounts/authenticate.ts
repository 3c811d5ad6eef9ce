import { and, eq, sql } from 'drizzle-orm'
import type { AccountsDatabase, Auth } from './auth.ts'
import { apiKey, session, user } from './schema.ts'
import { isBanned, notBanned, type Role, roleOf } from './standing.ts'
import { keyInForce, type VerifyKey } from './verify-key.ts'

/** Who is calling, and by what. */
export interface Principal {
  userId: string
  email: string
  name: string
  role: Role
  via: { kind: 'session'; sessionId: string; expiresAt: Date } | { kind: 'key'; keyId: string }
}

export interface AuthenticateDeps {
  auth: Auth
  db: AccountsDatabase
  verifyKey: VerifyKey
}

/**
 * Who sent these headers, of a request or of a socket handshake; null if nobody we know. An API key
 * (`Authorization: Bearer sl_…`) counts before the cookie; a bad one is refused, cookie or not. Other kinds of
 * Authorization are left to whoever put them there, such as a proxy that asks for a password itself.
 *
 * Looks only: a session is prolonged by the browser's own calls to `/api/auth/get-session`, where the new cookie reaches it.
 */
export async function authenticate(headers: Headers, deps: AuthenticateDeps): Promise<Principal | null> {
  const bearer = /^bearer(?:\s+(.*))?$/i.exec(headers.get('authorization')?.trim() ?? '')
  if (bearer) return authenticateKey(bearer[1] ?? '', deps)
  const found = await deps.auth.api.getSession({ headers, query: { disableRefresh: true } })
  if (found === null || isBanned(found.user, new Date())) return null
  const { id: userId, email, name, role } = found.user
  const { id: sessionId, expiresAt } = found.session
  return { userId, email, name, role: roleOf(role), via: { kind: 'session', sessionId, expiresAt } }
}

/** The same for a bare key: `auth.apiKey` of a socket handshake. */
export async function authenticateKey(
  key: string,
  { verifyKey }: Pick<AuthenticateDeps, 'verifyKey'>,
): Promise<Principal | null> {
  const owner = await verifyKey(key)
  if (owner === null) return null
  const { keyId, ...person } = owner
  return { ...person, via: { kind: 'key', keyId } }
}

/**
 * Whether a connection that was let in as this principal may stay: its session or key is still in force, its owner is not
 * suspended, and their role is the same. Asks the database each time, nothing is remembered.
 * @throws when PostgreSQL does not answer. That says nothing about the principal: ask again later.
 */
export async function stillValid(principal: Principal, { db }: Pick<AuthenticateDeps, 'db'>): Promise<boolean> {
  const [found] =
    principal.via.kind === 'session'
      ? await ownerBySession(principal.via.sessionId, db)
      : await ownerByKey(principal.via.keyId, db)
  return found !== undefined && roleOf(found.role) === principal.role
}

function ownerBySession(sessionId: string, db: AccountsDatabase) {
  return db
    .select({ role: user.role })
    .from(session)
    .innerJoin(user, eq(user.id, session.userId))
    .where(and(eq(session.id, sessionId), sql`${session.expiresAt} > now()`, notBanned))
}

function ownerByKey(keyId: string, db: AccountsDatabase) {
  return db
    .select({ role: user.role })
    .from(apiKey)
    .innerJoin(user, eq(user.id, apiKey.userId))
    .where(and(eq(apiKey.id, keyId), keyInForce, notBanned))
}
