'use client'

import { useSyncExternalStore } from 'react'
import { connectionStatus, onConnected } from './connection.ts'
import type { ConnectionStatus } from './connection-status.ts'

/** Whether what is on the screen is live. Asking makes the connection. */
export function useConnection(): ConnectionStatus {
  return useSyncExternalStore(subscribe, connectionStatus.read, () => 'connecting')
}

function subscribe(listener: () => void): () => void {
  const leave = onConnected(async () => {})
  const stop = connectionStatus.subscribe(listener)
  return () => {
    leave()
    stop()
  }
}
