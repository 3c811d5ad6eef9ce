'use client'

import { Tooltip } from 'radix-ui'
import type { ReactNode } from 'react'

export function Tooltips({ children }: { children: ReactNode }) {
  return <Tooltip.Provider delayDuration={250}>{children}</Tooltip.Provider>
}

/** A tooltip for a control, on hover and on keyboard focus. `children` is the control. */
export function Hint({ text, children }: { text: string; children: ReactNode }) {
  return (
    <Tooltip.Root>
      <Tooltip.Trigger asChild>{children}</Tooltip.Trigger>
      <Tooltip.Portal>
        <Tooltip.Content
          sideOffset={6}
          collisionPadding={8}
          className="z-50 max-w-72 rounded-md bg-solid px-2.5 py-1.5 text-xs text-on-solid shadow-pop animate-pop"
        >
          {text}
        </Tooltip.Content>
      </Tooltip.Portal>
    </Tooltip.Root>
  )
}
