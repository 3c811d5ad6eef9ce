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
 * (`Authorization: Bearer sl_…`) counts before the cookie; a bad one is refused, cookie or not.
 * Other kinds of Authorization are left to whoever put them there, such as a proxy that asks for a
 * password itself.
 *
 * Looks only: a session is prolonged by the browser's own calls to `/api/auth/get-session`, where
 * the new cookie reaches it.
 */
export async function authenticate(
  headers: Headers,
  deps: AuthenticateDeps,
): Promise<Principal | null> {
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
 * Why somebody who was let in may not stay: they are out altogether, or in another role than
 * before.
 */
export type Revocation = 'unauthenticated' | 'forbidden'

/**
 * Which of these, let in some time ago, are no longer what they were: the session or key is no
 * longer in force, its owner is suspended, or has another role. Asks the database each time, in two
 * queries however many they are.
 * @throws when PostgreSQL does not answer. That says nothing about anybody: ask again later.
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
  const roles = { session: new Map(sessions.map(pair)), key: new Map(keys.map(pair)) }
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

const pair = ({ id, role }: { id: string; role: string | null }): [string, Role] => [
  id,
  roleOf(role),
]

/** Of the sessions that are in force. */
function rolesBySession(ids: string[], db: AccountsDatabase) {
  return ids.length === 0
    ? []
    : db
        .select({ id: session.id, role: user.role })
        .from(session)
        .innerJoin(user, eq(user.id, session.userId))
        // One parameter however many they are, so that the statement is always the same.
        .where(
          and(
            sql`${session.id} = any(${sql.param(ids)})`,
            sql`${session.expiresAt} > now()`,
            notBanned,
          ),
        )
}

/** Of the keys that are in force. */
function rolesByKey(ids: string[], db: AccountsDatabase) {
  return ids.length === 0
    ? []
    : db
        .select({ id: apiKey.id, role: user.role })
        .from(apiKey)
        .innerJoin(user, eq(user.id, apiKey.userId))
        .where(and(sql`${apiKey.id} = any(${sql.param(ids)})`, keyInForce, notBanned))
}
