import { z } from 'zod'

const Refusal = z.object({ message: z.string().optional(), code: z.string().optional() })

/** What better-auth's codes mean for the person at the form; of others its own message is shown. */
const sentences: Record<string, string> = {
  INVALID_EMAIL_OR_PASSWORD: 'This email and password do not match. Check both and try again.',
  INVALID_EMAIL: 'This is not an email address.',
  USER_ALREADY_EXISTS: 'There is an account with this email already. Sign in instead.',
  USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL:
    'There is an account with this email already. Sign in instead.',
}

/** Answers why it did not work, or null when it did. */
export function signIn(email: string, password: string): Promise<string | null> {
  return post('/api/auth/sign-in/email', { email, password })
}

/** Open only while there is no account at all. Answers why it did not work, or null when it did. */
export function signUp(name: string, email: string, password: string): Promise<string | null> {
  return post('/api/auth/sign-up/email', { name, email, password })
}

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
    if (response.status === 429) return 'Too many tries. Wait a minute and try again.'
    const { code, message } = Refusal.catch({}).parse(await response.json().catch(() => null))
    return (
      sentences[code ?? ''] ??
      message ??
      `The server failed to answer (${response.status}). Try again.`
    )
  } catch {
    return 'The server cannot be reached. Check your connection and try again.'
  }
}
