'use client'

import { LogOut } from 'lucide-react'
import { DropdownMenu } from 'radix-ui'
import { useState } from 'react'
import type { Account } from '#protocol/answers.ts'
import { setSigningOut } from '../live/leave-page.ts'
import { signOut } from '../sign-in/accounts.ts'
import { MenuContent, menuItemLook } from '../ui/menu.tsx'
import { useSessionRefresh } from './session-refresh.ts'

export function UserMenu({ user }: { user: Account }) {
  const [problem, setProblem] = useState<string | null>(null)
  const displayName = user.name || user.email
  useSessionRefresh()

  async function endSession(event: Event) {
    event.preventDefault()
    setSigningOut(true)
    const failure = await signOut()
    // A full page load, so that nothing of this account stays in memory.
    if (!failure) window.location.assign('/sign-in')
    else {
      setSigningOut(false)
      setProblem(failure)
    }
  }

  return (
    <DropdownMenu.Root onOpenChange={() => setProblem(null)}>
      <DropdownMenu.Trigger
        aria-label={`Account: ${user.email}`}
        className="grid size-8 place-items-center rounded-full hover:bg-hover data-[state=open]:bg-hover"
      >
        <span
          aria-hidden
          className="grid size-6 place-items-center rounded-full bg-solid text-2xs font-semibold text-on-solid uppercase"
        >
          {displayName.charAt(0)}
        </span>
      </DropdownMenu.Trigger>
      <MenuContent>
        <DropdownMenu.Label className="max-w-64 px-2 pt-1.5 pb-2">
          <span className="block truncate text-sm font-medium">{displayName}</span>
          <span className="block truncate text-xs text-ink-3">
            {displayName === user.email ? '' : `${user.email} · `}
            {user.role === 'admin' ? 'Admin' : 'User'}
          </span>
        </DropdownMenu.Label>
        <DropdownMenu.Separator className="-mx-1 mb-1 h-px bg-line" />
        <DropdownMenu.Item className={menuItemLook} onSelect={endSession}>
          <LogOut size={14} aria-hidden className="text-ink-3" />
          Sign out
        </DropdownMenu.Item>
        {problem ? (
          <p role="alert" className="max-w-64 px-2 py-1 text-xs text-bad">
            {problem}
          </p>
        ) : null}
      </MenuContent>
    </DropdownMenu.Root>
  )
}
