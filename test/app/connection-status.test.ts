import { expect, test } from 'vitest'
import { type ConnectionFacts, statusOf } from '#app/live/connection-status.ts'

const upToDate: ConnectionFacts = {
  connected: true,
  behindForMs: null,
  disconnectedForMs: 0,
  online: true,
  wasLive: true,
}

test.each<[string, Partial<ConnectionFacts>, string]>([
  ['connected and up to date', {}, 'live'],
  ['connected and up to date, though the browser reports no network', { online: false }, 'live'],
  ['connected, but behind and without a network', { behindForMs: 5, online: false }, 'offline'],
  ['connected, but behind', { behindForMs: 0 }, 'reconnecting'],
  [
    'connected after a long outage, still behind',
    { behindForMs: 5, disconnectedForMs: 60_000 },
    'reconnecting',
  ],
  ['connection lost', { connected: false }, 'reconnecting'],
  ['connection lost for 15 s', { connected: false, disconnectedForMs: 15_000 }, 'offline'],
  ['connection lost, no network', { connected: false, online: false }, 'offline'],
  ['not connected yet', { connected: false, wasLive: false }, 'connecting'],
  [
    'connected for the first time, not caught up yet',
    { behindForMs: 0, wasLive: false },
    'connecting',
  ],
  [
    'still not connected 15 s after the page opened',
    { connected: false, disconnectedForMs: 15_000, wasLive: false },
    'offline',
  ],
  [
    'connected, still not caught up 15 s after the page opened',
    { behindForMs: 9, disconnectedForMs: 15_000, wasLive: false },
    'reconnecting',
  ],
])('%s', (_, facts, status) => {
  expect(statusOf({ ...upToDate, ...facts })).toBe(status)
})
