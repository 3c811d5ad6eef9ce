'use client'

import { useEffect } from 'react'

/** Escape does it, unless something nearer (a menu, a list of choices) has taken it for itself. */
export function useEscape(active: boolean, deed: () => void): void {
  useEffect(() => {
    if (!active) return
    const press = (event: KeyboardEvent) => {
      if (
        event.key === 'Escape' &&
        !event.defaultPrevented &&
        !document.querySelector('[role="menu"]')
      )
        deed()
    }
    document.addEventListener('keydown', press)
    return () => document.removeEventListener('keydown', press)
  }, [active, deed])
}
