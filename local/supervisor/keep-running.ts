import { setTimeout as wait } from 'node:timers/promises'
import { CannotStart } from '../cannot-start.ts'
import { because, type Program, type RunOptions, runProgram } from './program.ts'

const tooOften = { times: 5, withinMs: 60_000 }

/**
 * Runs a program until `signal` asks it to end, and starts it again when it ends by itself.
 * @throws {CannotStart} when it ended before it was ever ready, or too often; it does not run any
 * more then.
 */
export async function keepRunning(program: Program, options: RunOptions): Promise<void> {
  const endings = restartPolicy()
  let everReady = false
  while (!options.signal.aborted) {
    const end = await runProgram(program, options)
    if (options.signal.aborted) return
    everReady ||= end.wasReady
    if (!everReady) throw new CannotStart(`The ${program.name} could not start${because(end)}`)
    const delayMs = endings.next(performance.now())
    if (delayMs === null)
      throw new CannotStart(
        `The ${program.name} ended ${tooOften.times} times within a minute${because(end)}`,
      )
    options.log.say(`The ${program.name} ended${because(end)}. Starting it again.`)
    await wait(delayMs, undefined, { signal: options.signal }).catch(() => {}) // Asked to end meanwhile: the loop sees it.
  }
}

/**
 * How long to wait before each restart (0.2 s, then doubled), and when to give up: null at the
 * fifth end within a minute.
 */
export function restartPolicy(): { next(now: number): number | null } {
  let ends: number[] = []
  return {
    next(now) {
      ends = [...ends.filter((end) => now - end < tooOften.withinMs), now]
      return ends.length >= tooOften.times ? null : 200 * 2 ** (ends.length - 1)
    },
  }
}
