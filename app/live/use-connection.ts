'use client'

import { useSyncExternalStore } from 'react'
import { connectionStatus, liveConnection } from './connection.ts'
import type { ConnectionStatus } from './connection-status.ts'

/** Whether the page is live. The first use makes the connection. */
export function useConnection(): ConnectionStatus {
  return useSyncExternalStore(subscribe, connectionStatus.read, () => 'connecting')
}

function subscribe(listener: () => void): () => void {
  liveConnection()
  return connectionStatus.subscribe(listener)
}
