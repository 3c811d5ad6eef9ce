import { expect, test } from 'vitest'
import { type ConnectionFacts, statusOf } from '#app/live/connection-status.ts'

const well: ConnectionFacts = {
  connected: true,
  behindForMs: null,
  disconnectedForMs: 0,
  online: true,
  wasLive: true,
}

test.each<[string, Partial<ConnectionFacts>, string]>([
  ['connected and up to date', {}, 'live'],
  ['the same, whatever the browser thinks of its network', { online: false }, 'live'],
  [
    'connected, it seems, but nothing comes and there is no network',
    { behindForMs: 5, online: false },
    'offline',
  ],
  ['connected, but something is behind', { behindForMs: 0 }, 'reconnecting'],
  [
    'connected after a long outage, and still behind',
    { behindForMs: 5, disconnectedForMs: 60_000 },
    'reconnecting',
  ],
  ['the connection was lost', { connected: false }, 'reconnecting'],
  ['lost for long', { connected: false, disconnectedForMs: 15_000 }, 'offline'],
  ['lost, and there is no network', { connected: false, online: false }, 'offline'],
  ['not connected yet', { connected: false, wasLive: false }, 'connecting'],
  [
    'connected for the first time and not caught up yet',
    { behindForMs: 0, wasLive: false },
    'connecting',
  ],
  [
    'not connected for a long time since the page was opened',
    { connected: false, disconnectedForMs: 15_000, wasLive: false },
    'offline',
  ],
  [
    'connected, but never caught up for a long time',
    { behindForMs: 9, disconnectedForMs: 15_000, wasLive: false },
    'reconnecting',
  ],
])('%s', (_, facts, status) => {
  expect(statusOf({ ...well, ...facts })).toBe(status)
})
