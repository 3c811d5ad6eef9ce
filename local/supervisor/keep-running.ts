import { setTimeout as wait } from 'node:timers/promises'
import { CannotStart } from '../cannot-start.ts'
import { because, type Program, type RunOptions, runProgram } from './program.ts'

const limit = { times: 5, withinMs: 60_000 }

/**
 * Runs a program until `signal` aborts, and restarts it whenever it ends by itself.
 * @throws {CannotStart} if the program ended before it was ever ready, or too often.
 */
export async function keepRunning(program: Program, options: RunOptions): Promise<void> {
  const restarts = restartPolicy()
  let everReady = false
  while (!options.signal.aborted) {
    const end = await runProgram(program, options)
    if (options.signal.aborted) return
    everReady ||= end.wasReady
    if (!everReady) throw new CannotStart(`The ${program.name} could not start${because(end)}`)
    const delayMs = restarts.next(performance.now())
    if (delayMs === null)
      throw new CannotStart(
        `The ${program.name} ended ${limit.times} times within a minute${because(end)}`,
      )
    options.log.say(`The ${program.name} ended${because(end)}. Restarting it.`)
    // The loop checks the signal.
    await wait(delayMs, undefined, { signal: options.signal }).catch(() => {})
  }
}

/**
 * The backoff between restarts in ms: 200, then doubled each time. Null, for no more restarts, at
 * the fifth end within a minute.
 */
export function restartPolicy(): { next(now: number): number | null } {
  let ends: number[] = []
  return {
    next(now) {
      ends = [...ends.filter((end) => now - end < limit.withinMs), now]
      return ends.length >= limit.times ? null : 200 * 2 ** (ends.length - 1)
    },
  }
}
