import { setTimeout as wait } from 'node:timers/promises'
import { isCode } from './error-code.ts'
import { isRunning, type ProcessIdentity } from './process-identity.ts'

/**
 * Sends the signals one after the other, each followed by its grace period, until the process ends.
 * @returns false if the process survives all of them.
 */
export async function endProcess(
  identity: ProcessIdentity,
  steps: readonly [signal: NodeJS.Signals, graceMs: number][],
): Promise<boolean> {
  for (const [signal, graceMs] of steps) {
    if (!isRunning(identity)) return true
    try {
      process.kill(identity.pid, signal)
    } catch (error) {
      if (!isCode(error, 'ESRCH')) throw error
    }
    if (await hasEnded(identity, graceMs)) return true
  }
  return !isRunning(identity)
}

/** Polls, because only a child process emits an exit event. */
export async function hasEnded(identity: ProcessIdentity, withinMs: number): Promise<boolean> {
  const deadline = performance.now() + withinMs
  while (isRunning(identity)) {
    if (performance.now() >= deadline) return false
    await wait(20)
  }
  return true
}
