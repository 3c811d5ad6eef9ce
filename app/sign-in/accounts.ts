import { z } from 'zod'
import { ErrorAnswer } from '#protocol/errors.ts'

/** How better-auth refuses. The server reports outages in the shape of all its errors. */
const Refusal = z.object({ message: z.string().optional(), code: z.string().optional() })

/** Texts for better-auth's error codes. For other codes, its own message is shown. */
const sentences: Record<string, string> = {
  INVALID_EMAIL_OR_PASSWORD: 'Wrong email or password. Check both and try again.',
  INVALID_EMAIL: 'Enter a valid email address.',
  USER_ALREADY_EXISTS: 'An account with this email already exists. Sign in instead.',
  USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL:
    'An account with this email already exists. Sign in instead.',
}

/** @returns the error text, or null on success */
export function signIn(email: string, password: string): Promise<string | null> {
  return post('/api/auth/sign-in/email', { email, password })
}

/**
 * Works only while there are no accounts.
 * @returns the error text, or null on success
 */
export function signUp(name: string, email: string, password: string): Promise<string | null> {
  return post('/api/auth/sign-up/email', { name, email, password })
}

/** @returns the error text, or null on success */
export function signOut(): Promise<string | null> {
  return post('/api/auth/sign-out', {})
}

async function post(path: string, body: unknown): Promise<string | null> {
  try {
    const response = await fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    if (response.ok) return null
    if (response.status === 429) return 'Too many attempts. Wait a minute and try again.'
    const refusal: unknown = await response.json().catch(() => null)
    const outage = ErrorAnswer.safeParse(refusal)
    if (outage.success) return outage.data.error.message
    const { code, message } = Refusal.catch({}).parse(refusal)
    return (
      sentences[code ?? ''] ??
      message ??
      `The server returned an error (${response.status}). Try again in a moment.`
    )
  } catch {
    return 'The server cannot be reached. Check your connection and try again.'
  }
}
