'use client'

import { useEffect } from 'react'

/** Runs `action` on Escape, unless an open menu or the focused control handles the key itself. */
export function useEscape(active: boolean, action: () => void): void {
  useEffect(() => {
    if (!active) return
    const press = (event: KeyboardEvent) => {
      if (
        event.key === 'Escape' &&
        !event.defaultPrevented &&
        !document.querySelector('[role="menu"]')
      )
        action()
    }
    document.addEventListener('keydown', press)
    return () => document.removeEventListener('keydown', press)
  }, [active, action])
}
