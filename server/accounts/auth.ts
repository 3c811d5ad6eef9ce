import { drizzleAdapter } from 'better-auth/adapters/drizzle'
import { APIError, createAuthMiddleware } from 'better-auth/api'
import { betterAuth } from 'better-auth/minimal'
import { admin } from 'better-auth/plugins/admin'
import type { NodePgQueryResultHKT } from 'drizzle-orm/node-postgres'
import type { PgDatabase } from 'drizzle-orm/pg-core'
import type { Logger } from 'pino'
import { z } from 'zod'
import { noteFailure } from './failures.ts'
import { ownOrigins } from './origin.ts'
import { checkPassword, passwordLength, WeakPassword } from './password.ts'
import { account, session, user, verification } from './schema.ts'

/** A pool's database, or a transaction in it. */
export type AccountsDatabase = PgDatabase<NodePgQueryResultHKT>

export interface AuthSettings {
  /** Signs cookies; the same on all servers. At least 32 random characters. */
  secret: string
  /** Where people open Searchlight. Determines origins, and whether cookies are for https only. */
  publicUrl: string
  log?: Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>
  /** Sign-in attempts that one address may make in `windowSeconds`. Default: 20 in 60 s. */
  signInLimit?: { max: number; windowSeconds: number }
}

/** Our server sets it to the client's address; a value sent by the client is discarded. */
export const clientAddressHeader = 'x-searchlight-client-address'

/** Requests to these paths set a password. */
const passwordPaths = [
  '/sign-up/email',
  '/change-password',
  '/reset-password',
  '/admin/set-user-password',
]
const PasswordBody = z.object({
  password: z.string().optional(),
  newPassword: z.string().optional(),
})

export type Auth = ReturnType<typeof createAuth>

/**
 * better-auth with e-mail and password, sessions in cookies, and roles; its routes are under
 * `/api/auth`.
 * @param mode `founding` allows sign-up and makes the new account an admin: for the first account
 * only, inside the lock of `withAccountsLock`. `usual` makes better-auth refuse every sign-up.
 */
export function createAuth(
  db: AccountsDatabase,
  settings: AuthSettings,
  mode: 'usual' | 'founding' = 'usual',
) {
  const { secret, publicUrl, log, signInLimit = { max: 20, windowSeconds: 60 } } = settings
  return betterAuth({
    appName: 'Searchlight',
    secret,
    baseURL: new URL(publicUrl).origin,
    basePath: '/api/auth',
    trustedOrigins: ownOrigins(publicUrl),
    database: drizzleAdapter(db, {
      provider: 'pg',
      schema: { user, session, account, verification },
      transaction: true,
    }),
    emailAndPassword: {
      enabled: true,
      disableSignUp: mode !== 'founding',
      minPasswordLength: passwordLength.min,
      maxPasswordLength: passwordLength.max,
    },
    session: { expiresIn: 30 * 24 * 3600, updateAge: 24 * 3600 },
    plugins: [
      admin({
        defaultRole: mode === 'founding' ? 'admin' : 'user',
        bannedUserMessage:
          'This account is suspended. Contact an administrator of this Searchlight.',
      }),
    ],
    // `npm run user` creates accounts. Impersonation is not offered.
    disabledPaths: ['/admin/create-user', '/admin/impersonate-user', '/admin/stop-impersonating'],
    hooks: {
      before: createAuthMiddleware(async (context) => {
        if (passwordPaths.includes(context.path)) refuseWeakPassword(context.body)
      }),
    },
    rateLimit: {
      enabled: true,
      storage: 'memory',
      window: 10,
      max: 100,
      customRules: {
        '/sign-in/*': { window: signInLimit.windowSeconds, max: signInLimit.max },
        '/sign-up/*': { window: signInLimit.windowSeconds, max: signInLimit.max },
        // It only reads; every page requests it, and many people may share one address.
        '/get-session': false,
      },
    },
    advanced: {
      useSecureCookies: new URL(publicUrl).protocol === 'https:',
      cookiePrefix: 'searchlight',
      ipAddress: { ipAddressHeaders: [clientAddressHeader] },
      // Explicit because better-auth turns these checks off when NODE_ENV is "test".
      disableCSRFCheck: false,
      disableOriginCheck: false,
    },
    telemetry: { enabled: false },
    // Otherwise better-auth prints an unforeseen error, with the values that the query carried, and
    // answers with an empty body.
    onAPIError: { throw: true },
    logger: {
      log(level, message, ...details) {
        const error = details.find((detail) => detail instanceof Error)
        if (error) noteFailure(error)
        // Other details and the rest of a line may hold values that were refused.
        log?.[level](error ? { err: error } : {}, `better-auth: ${withoutValue(message)}`)
      },
    },
  })
}

/** better-auth's own message is only "Password too short"; ours states the rule. */
function refuseWeakPassword(body: unknown): void {
  const { data } = PasswordBody.safeParse(body)
  const password = data?.newPassword ?? data?.password
  if (password === undefined) return
  try {
    checkPassword(password)
  } catch (error) {
    if (!(error instanceof WeakPassword)) throw error
    const code = password.length < passwordLength.min ? 'PASSWORD_TOO_SHORT' : 'PASSWORD_TOO_LONG'
    throw new APIError('BAD_REQUEST', { code, message: error.message })
  }
}

/** better-auth names a refused value after a colon: "Invalid origin: …". */
function withoutValue(message: unknown): string {
  return String(message).split(/[:\n]/, 1)[0] ?? ''
}
