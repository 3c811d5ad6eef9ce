import { DropdownMenu } from 'radix-ui'
import type { ReactNode } from 'react'

export const menuItemLook =
  'flex h-8 items-center gap-2 rounded-md px-2 text-sm outline-none data-[highlighted]:bg-hover data-[disabled]:text-ink-3'

export function MenuContent({ children }: { children: ReactNode }) {
  return (
    <DropdownMenu.Portal>
      <DropdownMenu.Content
        align="end"
        sideOffset={6}
        collisionPadding={8}
        className="z-40 min-w-40 rounded-lg bg-raised p-1 shadow-pop animate-pop"
      >
        {children}
      </DropdownMenu.Content>
    </DropdownMenu.Portal>
  )
}
