import { headers } from 'next/headers'
import { redirect } from 'next/navigation'
import { cache } from 'react'
import type { z } from 'zod'
import { Me, type SearchType, SearchTypes } from '#protocol/answers.ts'
import { apiAt, CallFailed } from '#protocol/client/call-api.ts'
import { withReason } from './reason.ts'

/** Calls the API from a server component, over the loopback and with the visitor's cookie. */
export async function callForVisitor<Answer>(
  path: string,
  schema: z.ZodType<Answer>,
): Promise<Answer> {
  const cookie = (await headers()).get('cookie') ?? ''
  const callApi = apiAt({ origin: process.env.LOOPBACK_URL ?? '' })
  return callApi(path, schema, { headers: { cookie } }).catch((error: unknown) => {
    throw withReason(error)
  })
}

/** The visitor. Read once per page. */
export const readMe = cache(() => callForVisitor('/me', Me))

/** The types of search that the visitor may start. Read once per page. */
export const readSearchTypes = cache(
  async (): Promise<SearchType[]> => (await callForVisitor('/searches', SearchTypes)).searches,
)

/** The visitor's account. Without one, signing in leads back to `path`. */
export async function requireAccount(path: string) {
  const { user } = await readMe()
  return user ?? redirect(signInPath(path))
}

export function signInPath(next: string): string {
  return next === '/' ? '/sign-in' : `/sign-in?next=${encodeURIComponent(next)}`
}

/** The answer, or null when there is no such thing or it is another account's. */
export async function orNull<Answer>(answer: Promise<Answer>): Promise<Answer | null> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof CallFailed && error.status === 404) return null
    throw error
  }
}
