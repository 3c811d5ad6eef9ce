import type { Metadata } from 'next'
import { redirect } from 'next/navigation'
import { readMe } from '../http/for-visitor.ts'
import { FirstAccountForm } from './first-account-form.tsx'
import { SignInForm } from './sign-in-form.tsx'

export const metadata: Metadata = { title: 'Sign in' }

export default async function SignInPage({
  searchParams,
}: {
  searchParams: Promise<{ next?: string | string[] }>
}) {
  const { next } = await searchParams
  const destination = localPath(typeof next === 'string' ? next : '/')
  const { user, signUp } = await readMe()
  if (user) redirect(destination)
  const first = signUp === 'open'
  return (
    <div className="mx-auto max-w-[360px] px-4 pt-[12vh] pb-16">
      <h1 className="text-xl font-semibold">
        {first ? 'Welcome to Searchlight' : 'Sign in to Searchlight'}
      </h1>
      <p className="mt-1.5 text-ink-2">
        {first
          ? 'Create the first account. It will have admin rights.'
          : 'Long searches with live results.'}
      </p>
      <div className="mt-7">
        {first ? <FirstAccountForm next={destination} /> : <SignInForm next={destination} />}
      </div>
      {first ? null : (
        <p className="mt-6 text-sm text-ink-3">No account? Ask an admin to create one.</p>
      )}
    </div>
  )
}

/** The path if it stays on this site, otherwise “/”: a link must not redirect to another site. */
function localPath(path: string): string {
  const base = 'http://here'
  return URL.canParse(path, base) && new URL(path, base).origin === base && path.startsWith('/')
    ? path
    : '/'
}
