'use client'

import { AccountField, AccountForm } from './account-form.tsx'
import { signUp } from './accounts.ts'

export function FirstAccountForm({ next }: { next: string }) {
  return (
    <AccountForm
      next={next}
      label="Create account"
      busyLabel="Creating account…"
      submit={(filledIn) =>
        signUp(
          String(filledIn.get('name')),
          String(filledIn.get('email')),
          String(filledIn.get('password')),
        )
      }
    >
      <AccountField label="Name" name="name" type="text" autoComplete="name" autoFocus />
      <AccountField label="Email" name="email" type="email" autoComplete="username" />
      <AccountField
        label="Password"
        name="password"
        type="password"
        autoComplete="new-password"
        minLength={10}
        help="At least 10 characters."
      />
    </AccountForm>
  )
}
