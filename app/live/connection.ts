import { LiveConnection } from '#protocol/client/live-connection.ts'
import { type ConnectionStatus, statusOf, unnoticedMs } from './connection-status.ts'
import { goToSignIn, reloadPage } from './leave-page.ts'
import { createStore } from './store.ts'

const checkEveryMs = 1_000

const status = createStore<ConnectionStatus>('connecting')
export const connectionStatus = { read: status.read, subscribe: status.subscribe }

let connection: LiveConnection | null = null
let wasConnected = false
let wasLive = false
let disconnectedAt = 0
let updateScheduled = false

/** The tab's one connection, made when it is first needed and kept. */
export function liveConnection(): LiveConnection {
  if (connection) return connection
  disconnectedAt = Date.now()
  connection = new LiveConnection({
    onChange: updateStatus,
    onRefused: (code) => (code === 'forbidden' ? reloadPage() : goToSignIn()),
  })
  listenToBrowser(connection)
  return connection
}

/** The browser knows of the network, of sleep and of hidden tabs; Socket.IO doesn't ask it. */
function listenToBrowser(live: LiveConnection): void {
  window.addEventListener('online', () => {
    // A probe sent while there was no network may never be answered.
    if (live.probing) live.drop()
    else live.probe()
  })
  window.addEventListener('offline', () => {
    if (live.connected) live.probe()
    updateStatus()
  })
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible') live.probe()
  })
  setInterval(() => {
    live.probeIfSilent()
    updateStatus()
  }, checkEveryMs)
}

function updateStatus(): void {
  if (!connection) return
  const now = Date.now()
  const { connected, behindSince } = connection
  if (wasConnected && !connected) disconnectedAt = now
  wasConnected = connected
  const behindForMs = behindSince === null ? null : now - behindSince
  if (behindForMs !== null && behindForMs < unnoticedMs) {
    updateLater()
    // Catching up that fast goes unnoticed. Otherwise each change of page would flicker.
    if (status.read() === 'live') return
  }
  const disconnectedForMs = now - disconnectedAt
  const online = navigator.onLine
  status.set(statusOf({ connected, behindForMs, disconnectedForMs, online, wasLive }))
  if (status.read() === 'live') wasLive = true
}

function updateLater(): void {
  if (updateScheduled) return
  updateScheduled = true
  setTimeout(() => {
    updateScheduled = false
    updateStatus()
  }, unnoticedMs)
}
