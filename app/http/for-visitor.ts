import { headers } from 'next/headers'
import { redirect } from 'next/navigation'
import { cache } from 'react'
import type { z } from 'zod'
import { Me, type SearchType, SearchTypes } from '#protocol/answers.ts'
import { ApiError, callApi } from './call-api.ts'

/**
 * Calls the API from a server component on behalf of the visitor: through the loopback, with the
 * visitor's cookie.
 */
export async function callForVisitor<Answer>(
  path: string,
  schema: z.ZodType<Answer>,
): Promise<Answer> {
  const cookie = (await headers()).get('cookie') ?? ''
  return callApi(path, schema, { origin: process.env.LOOPBACK_URL ?? '', headers: { cookie } })
}

/** Who is looking. Asked once per page. */
export const readMe = cache(() => callForVisitor('/me', Me))

/** What can be searched for. Asked once per page. */
export const readSearchTypes = cache(
  async (): Promise<SearchType[]> => (await callForVisitor('/searches', SearchTypes)).searches,
)

/**
 * The visitor's account; somebody who has not signed in is sent to do so and comes back to `path`.
 */
export async function requireAccount(path: string) {
  const { user } = await readMe()
  return user ?? redirect(signInPath(path))
}

export function signInPath(next: string): string {
  return next === '/' ? '/sign-in' : `/sign-in?next=${encodeURIComponent(next)}`
}

/** The answer, or null when there is no such thing (or it is someone else's). */
export async function orNull<Answer>(answer: Promise<Answer>): Promise<Answer | null> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return null
    throw error
  }
}
