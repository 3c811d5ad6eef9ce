import { outageOf } from '../outage.ts'
import {
  type AccountsDatabase,
  type AuthSettings,
  clientAddressHeader,
  createAuth,
} from './auth.ts'
import {
  authenticate,
  authenticateKey,
  findRevoked,
  type Principal,
  type Revocation,
} from './authenticate.ts'
import { anyAccount, ensureFirstAdmin } from './create-account.ts'
import { untilFailure } from './failures.ts'
import { originAllowed } from './origin.ts'
import { signUpFirstAdmin, signUpPath } from './sign-up.ts'
import { createKeyVerifier } from './verify-key.ts'

export interface AccountsOptions extends AuthSettings {
  db: AccountsDatabase
  now(): Date
}

export interface Accounts {
  /**
   * Answers `/api/auth/*`, in better-auth's own shapes.
   * @throws what keeps the database from answering, and unforeseen errors
   * @param clientAddress IP address of the client, for rate limits: the peer's, or the one that a
   * trusted proxy reports.
   */
  handler(request: Request, clientAddress?: string): Promise<Response>
  authenticate(headers: Headers): Promise<Principal | null>
  authenticateKey(key: string): Promise<Principal | null>
  /** The principals whose session, key or role is no longer valid. */
  findRevoked(principals: readonly Principal[]): Promise<Map<Principal, Revocation>>
  /** Check it before a change authenticated by cookie, and before every socket handshake. */
  originAllowed(headers: Headers): boolean
  /** True while there are no accounts. The first person to sign up becomes the admin. */
  signUpOpen(): Promise<boolean>
  ensureFirstAdmin(admin: { email: string; password: string }): Promise<'created' | 'exists'>
}

/** Requires the tables of `accountsMigrations`. */
export function createAccounts({ db, now, ...settings }: AccountsOptions): Accounts {
  const auth = createAuth(db, settings)
  const deps = { auth, db, settings, now, verifyKey: createKeyVerifier({ db, now }) }
  return {
    async handler(request, clientAddress) {
      const addressed = await withAddress(request, clientAddress)
      const isSignUp = addressed.method === 'POST' && new URL(addressed.url).pathname === signUpPath
      return untilFailure(
        () => (isSignUp ? signUpFirstAdmin(addressed, deps) : auth.handler(addressed)),
        (error) => outageOf(error) !== null,
      )
    },
    authenticate: (headers) => authenticate(headers, deps),
    authenticateKey: (key) => authenticateKey(key, deps),
    findRevoked: (principals) => findRevoked(principals, deps),
    originAllowed: (headers) => originAllowed(headers, settings.publicUrl),
    signUpOpen: async () => !(await anyAccount(db)),
    ensureFirstAdmin: (admin) => ensureFirstAdmin(admin, deps),
  }
}

/**
 * A copy of the request that carries the client's address in a header. It is built from parts
 * because the Request constructor rejects the HTTP server's own Request class.
 */
async function withAddress(request: Request, clientAddress: string | undefined): Promise<Request> {
  const headers = new Headers(request.headers)
  headers.delete(clientAddressHeader)
  if (clientAddress !== undefined) headers.set(clientAddressHeader, clientAddress)
  const body =
    request.method === 'GET' || request.method === 'HEAD' ? undefined : await request.arrayBuffer()
  return new Request(request.url, { method: request.method, headers, body })
}
