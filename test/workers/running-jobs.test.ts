import { expect, test } from 'vitest'
import { HandBack, WriteRefused } from '#jobs/errors.ts'
import { createRunningJobs } from '#workers/running-jobs.ts'

test('a run that begins during shutdown is handed back at once', () => {
  const running = createRunningJobs()
  const before = running.add('a', 1)
  running.handBackAll()
  const after = running.add('b', 1)
  for (const { abort } of [before, after]) expect(abort.signal.reason).toBeInstanceOf(HandBack)
})

test('a run that is registered after its job was ended stops at once', () => {
  const running = createRunningJobs()
  running.ended('a')
  expect(running.add('a', 1).abort.signal.reason).toMatchObject(new WriteRefused('ended'))
})

test('removing one attempt of a job leaves its other attempt registered', () => {
  const running = createRunningJobs()
  const first = running.add('a', 1)
  const second = running.add('a', 2)
  running.remove(first)
  running.ended('a')
  expect(first.abort.signal.aborted).toBe(false)
  expect(second.abort.signal.reason).toMatchObject(new WriteRefused('ended'))
})
