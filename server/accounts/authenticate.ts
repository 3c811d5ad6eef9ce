import { and, eq, sql } from 'drizzle-orm'
import { isBanned, notBanned, type Role, roleOf } from './account-status.ts'
import type { AccountsDatabase, Auth } from './auth.ts'
import { apiKey, session, user } from './schema.ts'
import { keyValid, type VerifyKey } from './verify-key.ts'

/** An authenticated caller, and the credential that it used. */
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
  now(): Date
}

/**
 * Authenticates the headers of a request or a socket handshake. An API key
 * (`Authorization: Bearer sl_…`) takes precedence over the cookie; an invalid key is refused even
 * beside a valid cookie. Other Authorization schemes are ignored: they belong to a proxy in front,
 * for instance one with its own password.
 *
 * Does not extend the session: only the browser's own calls to `/api/auth/get-session` do, because
 * their response can set the new cookie.
 * @returns null if the caller is unknown
 */
export async function authenticate(
  headers: Headers,
  deps: AuthenticateDeps,
): Promise<Principal | null> {
  const bearer = /^bearer(?:\s+(.*))?$/i.exec(headers.get('authorization')?.trim() ?? '')
  if (bearer) return authenticateKey(bearer[1] ?? '', deps)
  const found = await deps.auth.api.getSession({ headers, query: { disableRefresh: true } })
  if (found === null || isBanned(found.user, deps.now())) return null
  const { id: userId, email, name, role } = found.user
  const { id: sessionId, expiresAt } = found.session
  return { userId, email, name, role: roleOf(role), via: { kind: 'session', sessionId, expiresAt } }
}

/** Like {@link authenticate}, for a bare key: `auth.apiKey` of a socket handshake. */
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
 * Why a principal lost its access: `unauthenticated` if its session, key or account is no longer
 * valid, `forbidden` if its role has changed.
 */
export type Revocation = 'unauthenticated' | 'forbidden'

/**
 * Finds the principals whose session or key is no longer valid, or whose owner has been suspended
 * or has another role. Always asks the database: two queries for any number of principals.
 * @throws when PostgreSQL does not answer. The principals keep their access; ask again later.
 */
export async function findRevoked(
  principals: readonly Principal[],
  { db }: Pick<AuthenticateDeps, 'db'>,
): Promise<Map<Principal, Revocation>> {
  const sessionIds = new Set<string>()
  const keyIds = new Set<string>()
  for (const { via } of principals)
    via.kind === 'session' ? sessionIds.add(via.sessionId) : keyIds.add(via.keyId)
  const [sessions, keys] = await Promise.all([
    rolesBySession([...sessionIds], db),
    rolesByKey([...keyIds], db),
  ])
  const roles = { session: new Map(sessions.map(entry)), key: new Map(keys.map(entry)) }
  const revoked = new Map<Principal, Revocation>()
  for (const principal of principals) {
    const { via } = principal
    const role =
      via.kind === 'session' ? roles.session.get(via.sessionId) : roles.key.get(via.keyId)
    if (role === undefined) revoked.set(principal, 'unauthenticated')
    else if (role !== principal.role) revoked.set(principal, 'forbidden')
  }
  return revoked
}

const entry = ({ id, role }: { id: string; role: string | null }): [string, Role] => [
  id,
  roleOf(role),
]

/** The owner's role for each session that is still valid. */
function rolesBySession(ids: string[], db: AccountsDatabase) {
  return ids.length === 0
    ? []
    : db
        .select({ id: session.id, role: user.role })
        .from(session)
        .innerJoin(user, eq(user.id, session.userId))
        // One array parameter, so that the statement is the same for any number of ids.
        .where(
          and(
            sql`${session.id} = any(${sql.param(ids)})`,
            sql`${session.expiresAt} > now()`,
            notBanned,
          ),
        )
}

/** The owner's role for each key that is still valid. */
function rolesByKey(ids: string[], db: AccountsDatabase) {
  return ids.length === 0
    ? []
    : db
        .select({ id: apiKey.id, role: user.role })
        .from(apiKey)
        .innerJoin(user, eq(user.id, apiKey.userId))
        .where(and(sql`${apiKey.id} = any(${sql.param(ids)})`, keyValid, notBanned))
}
