'use client'

import { AccountField, AccountForm } from './account-form.tsx'
import { signIn } from './accounts.ts'

export function SignInForm({ next }: { next: string }) {
  return (
    <AccountForm
      next={next}
      label="Sign in"
      busyLabel="Signing in…"
      submit={(filledIn) => signIn(String(filledIn.get('email')), String(filledIn.get('password')))}
    >
      <AccountField label="Email" name="email" type="email" autoComplete="username" autoFocus />
      <AccountField
        label="Password"
        name="password"
        type="password"
        autoComplete="current-password"
      />
    </AccountForm>
  )
}
