import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type LiveHouse, openLiveHouse } from './live-house.ts'

let house: LiveHouse
beforeAll(async () => {
  house = await openLiveHouse()
})
afterAll(() => house.close())

const script = fileURLToPath(new URL('plain-client.js', import.meta.url))
const follow = async (key: string, jobId: string, breaks: number) => {
  const { stdout } = await promisify(execFile)(process.execPath, [
    script,
    house.url,
    key,
    jobId,
    String(breaks),
  ])
  return JSON.parse(stdout)
}

test('a client written from docs/protocol.md alone follows a job through broken connections, none missed and none twice', async () => {
  const job = await house.runningJob()
  const following = follow(house.people.user.key, job.id, 5)
  await expect.poll(() => house.listenersOf(job.id)).toBe(1)
  for (let i = 0; i < 40; i++) {
    await job.rows(3)
    // Some while it is there, and some while it is away.
    if (i % 4 === 3) await expect.poll(() => house.listenersOf(job.id)).toBe(1)
  }
  await job.complete()
  const held = await following
  expect(held).toMatchObject({ state: 'complete', seq: 43, snapshots: 1 })
  expect(held.connections).toBeGreaterThan(2)
  expect(held.rows).toHaveLength(120)
  expect(held.rows.every((row: { n: number }, i: number) => row.n === i % 3)).toBe(true)
  expect(held.seqs).toEqual(
    Array.from({ length: held.seqs.length }, (_, i) => 43 - held.seqs.length + 1 + i),
  )
})

test('it is told what it may not see, and who it is not', async () => {
  const job = await house.runningJob()
  await expect(follow(house.people.other.key, job.id, 0)).rejects.toThrow(
    'There is no such search.',
  )
  await expect(follow('sl_nonsense', job.id, 0)).rejects.toThrow('Sign in first.')
})
