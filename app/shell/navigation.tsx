'use client'

import Link from 'next/link'
import { usePathname } from 'next/navigation'

export function Navigation({ admin }: { admin: boolean }) {
  const path = usePathname()
  const links = [
    { href: '/', label: 'Search' },
    ...(admin ? [{ href: '/admin', label: 'Admin' }] : []),
  ]
  return (
    <nav aria-label="Main" className="flex items-center gap-1">
      {links.map(({ href, label }) => (
        <Link
          key={href}
          href={href}
          prefetch={false}
          aria-current={path === href ? 'page' : undefined}
          className="rounded-md px-2.5 py-1 text-sm font-medium text-ink-2 hover:bg-hover hover:text-ink aria-[current=page]:text-ink"
        >
          {label}
        </Link>
      ))}
    </nav>
  )
}
