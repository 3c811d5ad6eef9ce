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
import { originAllowed } from './origin.ts'
import { signUpFirstAdmin, signUpPath } from './sign-up.ts'
import { createKeyVerifier } from './verify-key.ts'

export interface AccountsOptions extends AuthSettings {
  db: AccountsDatabase
}

export interface Accounts {
  /**
   * Answers `/api/auth/*`, in better-auth's own shapes.
   * @param clientAddress IP address of the person's end, for rate limits: the peer's, or what a
   * trusted proxy says it is.
   */
  handler(request: Request, clientAddress?: string): Promise<Response>
  authenticate(headers: Headers): Promise<Principal | null>
  authenticateKey(key: string): Promise<Principal | null>
  /** Which of these, let in some time ago, may not stay. */
  findRevoked(principals: readonly Principal[]): Promise<Map<Principal, Revocation>>
  /** Ask it for calls that change something by cookie, and for every socket handshake. */
  originAllowed(headers: Headers): boolean
  /** True while there is no account at all; whoever signs up then becomes the admin. */
  signUpOpen(): Promise<boolean>
  ensureFirstAdmin(admin: { email: string; password: string }): Promise<'created' | 'exists'>
}

/** The tables must be there: see `accountsMigrations`. */
export function createAccounts({ db, ...settings }: AccountsOptions): Accounts {
  const auth = createAuth(db, settings)
  const deps = { auth, db, settings, verifyKey: createKeyVerifier({ db, now: Date.now }) }
  return {
    async handler(request, clientAddress) {
      const told = await withAddress(request, clientAddress)
      const isSignUp = told.method === 'POST' && new URL(told.url).pathname === signUpPath
      return isSignUp ? signUpFirstAdmin(told, deps) : auth.handler(told)
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
 * Built from its parts, because an HTTP server's own kind of Request can't be handed to the
 * constructor.
 */
async function withAddress(request: Request, clientAddress: string | undefined): Promise<Request> {
  const headers = new Headers(request.headers)
  headers.delete(clientAddressHeader)
  if (clientAddress !== undefined) headers.set(clientAddressHeader, clientAddress)
  const body =
    request.method === 'GET' || request.method === 'HEAD' ? undefined : await request.arrayBuffer()
  return new Request(request.url, { method: request.method, headers, body })
}
