'use client'

import type { ConnectionStatus } from '../live/connection-status.ts'
import { useConnection } from '../live/use-connection.ts'
import { Hint } from '../ui/tooltip.tsx'

const looks: Record<ConnectionStatus, { label: string; meaning: string; dot: string }> = {
  connecting: {
    label: 'Connecting',
    meaning: 'Connecting to the server.',
    dot: 'bg-ink-3 animate-breathe',
  },
  live: {
    label: 'Live',
    meaning: 'Connected. This page updates by itself.',
    dot: 'bg-good',
  },
  reconnecting: {
    label: 'Reconnecting',
    meaning: 'Connection lost. This page may be out of date until it reconnects.',
    dot: 'bg-warn animate-breathe',
  },
  offline: {
    label: 'Offline',
    meaning:
      'The server cannot be reached. This page may be out of date; your searches keep running. Check your connection.',
    dot: 'bg-bad',
  },
}

export function ConnectionIndicator() {
  const status = useConnection()
  const { label, meaning, dot } = looks[status]
  return (
    <Hint text={meaning}>
      <button
        type="button"
        data-connection={status}
        aria-label={`Connection: ${label}`}
        className="flex h-8 items-center gap-1.5 rounded-md px-2 text-xs text-ink-2 hover:bg-hover"
      >
        <span aria-hidden className={`size-[7px] rounded-full ${dot}`} />
        <span aria-live="polite" className={status === 'live' ? 'max-sm:sr-only' : undefined}>
          {label}
        </span>
      </button>
    </Hint>
  )
}
