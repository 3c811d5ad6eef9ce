import { createAuth } from './auth.ts'
import { type AccountDeps, anyAccount, withAccountsLock } from './create-account.ts'

export const signUpPath = '/api/auth/sign-up/email'

/** An error in better-auth's shape. */
function signUpClosed(): Response {
  const message =
    'Sign-up is closed: this Searchlight already has an account. ' +
    'Ask its operator to create yours: npm run user -- create --email you@example.com'
  return Response.json({ code: 'SIGN_UP_CLOSED', message }, { status: 403 })
}

/**
 * Signs up the first account, which becomes the admin; from then on sign-up is closed. Of several
 * concurrent requests, one succeeds and the others are refused.
 */
export async function signUpFirstAdmin(
  request: Request,
  { db, settings }: AccountDeps,
): Promise<Response> {
  if (await anyAccount(db)) return signUpClosed()
  return withAccountsLock(db, async (transaction) => {
    if (await anyAccount(transaction)) return signUpClosed()
    return createAuth(transaction, settings, 'founding').handler(request)
  })
}
