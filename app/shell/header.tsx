import Link from 'next/link'
import type { Account } from '#protocol/answers.ts'
import { ConnectionIndicator } from './connection-indicator.tsx'
import { Navigation } from './navigation.tsx'
import type { Theme } from './theme.ts'
import { ThemeMenu } from './theme-menu.tsx'
import { UserMenu } from './user-menu.tsx'

export function Header({ user, theme }: { user: Account | null; theme: Theme }) {
  return (
    <header className="sticky top-0 z-30 border-b border-line bg-canvas/90 backdrop-blur">
      <div className="flex h-12 items-center gap-1 px-4 sm:gap-2 sm:px-6">
        <Link
          href="/"
          prefetch={false}
          className="mr-1 flex items-center gap-2 rounded-md font-semibold sm:mr-3"
        >
          <Mark />
          <span className={user ? 'max-sm:sr-only' : undefined}>Searchlight</span>
        </Link>
        {user ? <Navigation admin={user.role === 'admin'} /> : null}
        <div className="ml-auto flex items-center gap-1">
          {user ? <ConnectionIndicator /> : null}
          <ThemeMenu initial={theme} />
          {user ? <UserMenu user={user} /> : null}
        </div>
      </div>
    </header>
  )
}

/** The logo: a lamp and its beam. */
function Mark() {
  return (
    <svg viewBox="0 0 20 20" aria-hidden="true" className="size-5">
      <path d="M5.6 12.4 14.2 1.2l5 4.6L7.7 14.6z" fill="var(--beam)" />
      <circle cx="5" cy="15" r="3.4" fill="var(--ink)" />
    </svg>
  )
}
