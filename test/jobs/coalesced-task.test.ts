import { describe, expect, test } from 'vitest'
import { CoalescedTask } from '#jobs/coalesced-task.ts'

/** A task whose runs end when the test says so. */
function openTask() {
  const runs: { succeed(): void; fail(error: Error): void }[] = []
  const errors: unknown[] = []
  const task = new CoalescedTask(
    () => new Promise((resolve, reject) => runs.push({ succeed: resolve, fail: reject })),
    (error) => errors.push(error),
  )
  return { task, runs, errors }
}

/** Lets all pending promise callbacks run. */
const settled = () => new Promise((resolve) => setImmediate(resolve))

describe('a coalesced task', () => {
  test('runs once for one request', async () => {
    const { task, runs } = openTask()
    task.request()
    expect(task.running).toBe(true)
    runs[0]?.succeed()
    await task.idle()
    expect(task.running).toBe(false)
    expect(runs).toHaveLength(1)
  })

  test('turns requests during a run into one more run, which begins after it', async () => {
    const { task, runs } = openTask()
    task.request()
    for (let i = 0; i < 3; i++) task.request()
    await settled()
    expect(runs).toHaveLength(1)
    runs[0]?.succeed()
    await settled()
    expect(runs).toHaveLength(2)
    runs[1]?.succeed()
    await task.idle()
    expect(runs).toHaveLength(2)
  })

  test('passes a failure to its handler, and runs again at the next request', async () => {
    const { task, runs, errors } = openTask()
    const failure = new Error('broken')
    task.request()
    runs[0]?.fail(failure)
    await task.idle()
    expect(errors).toEqual([failure])
    task.request()
    runs[1]?.succeed()
    await task.idle()
    expect(runs).toHaveLength(2)
    expect(errors).toEqual([failure])
  })

  test('keeps a request made during a run that fails', async () => {
    const { task, runs, errors } = openTask()
    task.request()
    task.request()
    runs[0]?.fail(new Error('broken'))
    await settled()
    expect(errors).toHaveLength(1)
    expect(runs).toHaveLength(2)
    runs[1]?.succeed()
    await task.idle()
  })

  test('is idle only after the last requested run', async () => {
    const { task, runs } = openTask()
    await task.idle()
    task.request()
    task.request()
    let idle = false
    const whenIdle = task.idle().then(() => {
      idle = true
    })
    runs[0]?.succeed()
    await settled()
    expect(idle).toBe(false)
    runs[1]?.succeed()
    await whenIdle
    expect(task.running).toBe(false)
  })
})
