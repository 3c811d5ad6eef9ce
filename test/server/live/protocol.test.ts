import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type LiveEnvironment, openLiveEnvironment } from './live-environment.ts'

let env: LiveEnvironment
beforeAll(async () => {
  env = await openLiveEnvironment()
})
afterAll(() => env.close())

const script = fileURLToPath(new URL('plain-client.js', import.meta.url))
const follow = async (key: string, jobId: string, breaks: number) => {
  const { stdout } = await promisify(execFile)(process.execPath, [
    script,
    env.url,
    key,
    jobId,
    String(breaks),
  ])
  return JSON.parse(stdout)
}

test('a client written from docs/protocol.md alone gets each event once, despite broken connections', async () => {
  const job = await env.runningJob()
  const following = follow(env.people.user.key, job.id, 5)
  await expect.poll(() => env.listenersOf(job.id)).toBe(1)
  for (let i = 0; i < 40; i++) {
    await job.rows(3)
    // Some rows while it is connected, and some while it is not.
    if (i % 4 === 3) await expect.poll(() => env.listenersOf(job.id)).toBe(1)
  }
  await job.complete()
  const copy = await following
  expect(copy).toMatchObject({ state: 'complete', seq: 43, snapshots: 1 })
  expect(copy.connections).toBeGreaterThan(2)
  expect(copy.rows).toHaveLength(120)
  expect(copy.rows.every((row: { n: number }, i: number) => row.n === i % 3)).toBe(true)
  expect(copy.seqs).toEqual(
    Array.from({ length: copy.seqs.length }, (_, i) => 43 - copy.seqs.length + 1 + i),
  )
})

test('it gets an error for another user’s job and for an invalid key', async () => {
  const job = await env.runningJob()
  await expect(follow(env.people.other.key, job.id, 0)).rejects.toThrow('There is no such search.')
  await expect(follow('sl_nonsense', job.id, 0)).rejects.toThrow('Sign in first.')
})
