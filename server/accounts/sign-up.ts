import { createAuth } from './auth.ts'
import { type AccountDeps, anyAccount, oneAtATime } from './create-account.ts'

export const signUpPath = '/api/auth/sign-up/email'

/** In better-auth's shape of an error. */
function closed(): Response {
  const message =
    'Sign-up is closed, as this Searchlight has its first account. ' +
    'Whoever runs it can make you one: npm run user -- create --email you@example.com'
  return Response.json({ code: 'SIGN_UP_CLOSED', message }, { status: 403 })
}

/**
 * The first person who signs up owns this Searchlight: they become its admin, and the door closes
 * behind them. Of several at once, one gets in and the others find it closed.
 */
export async function signUpFirstAdmin(
  request: Request,
  { db, settings }: AccountDeps,
): Promise<Response> {
  if (await anyAccount(db)) return closed()
  return oneAtATime(db, async (transaction) => {
    if (await anyAccount(transaction)) return closed()
    return createAuth(transaction, settings, 'founding').handler(request)
  })
}
