import { once } from 'node:events'
import type { ProcessIdentity } from '#processes/process-identity.ts'
import { stopServices } from '../services/ensure.ts'
import type { Service } from '../services/service.ts'
import { keepRunning } from './keep-running.ts'
import { keepServing } from './keep-serving.ts'
import type { Program, Ready } from './program.ts'
import type { ReadableLog } from './readable-log.ts'
import { rerunOnChange, type WatchedProgram } from './rerun-on-change.ts'

export interface SuperviseOptions {
  cwd: string
  dataDir: string
  log: ReadableLog
  /** Stops everything cleanly. */
  signal: AbortSignal
  /** Kills the programs at once. The services still shut down cleanly. */
  forceStop: AbortSignal
  /** How long each program may take to end. */
  graceMs: number
  /** Called with each process that is started, also at a restart. */
  onStart(identity: ProcessIdentity): void
  /** Called each time a program is ready, also after a restart. */
  onProgramReady(ready: Ready): void
  /** Called once, when every program is ready. */
  onReady(ready: Ready[]): void
}

/**
 * Keeps programs and services running until `signal` aborts or one of them fails for good. Before it
 * settles, it stops the programs one after the other in the given order, then the services.
 * @throws {CannotStart} naming the program or service that failed, and why.
 */
export async function supervise(
  programs: (Program | WatchedProgram)[],
  services: Service[],
  options: SuperviseOptions,
): Promise<void> {
  const { signal } = options
  const readyByName = new Map<string, Ready>()
  const onReady = (name: string, ready: Ready) => {
    options.onProgramReady(ready)
    const complete = readyByName.size === programs.length
    readyByName.set(name, ready)
    if (!complete && readyByName.size === programs.length)
      options.onReady([...readyByName.values()])
  }
  const running = programs.map((program) =>
    controlled((signal) => {
      const own = {
        ...options,
        signal,
        onReady: (ready: Ready) => onReady(program.name, ready),
      }
      return 'watch' in program ? rerunOnChange(program, own) : keepRunning(program, own)
    }),
  )
  const serving = services.map((service) =>
    controlled((signal) => keepServing(service, { ...options, signal, say: options.log.say })),
  )
  try {
    const all = [...running, ...serving].map(({ done }) => done)
    await Promise.race([signal.aborted || once(signal, 'abort'), Promise.all(all)])
  } finally {
    if (signal.aborted) options.log.say('Stopping. Press Ctrl-C again to stop at once.')
    for (const { stop } of running) await stop()
    for (const [at, { stop }] of serving.entries()) {
      const last = (await stop()) ?? services[at]
      if (last !== undefined) await stopServices([last])
    }
  }
}

/**
 * Starts a task that can be stopped. `stop` resolves to its result, or null if it failed; `done`
 * rejects with the failure.
 */
function controlled<T>(run: (signal: AbortSignal) => Promise<T>): {
  done: Promise<T>
  stop(): Promise<T | null>
} {
  const controller = new AbortController()
  const done = run(controller.signal)
  done.catch(() => {}) // It may fail before the caller awaits it.
  return {
    done,
    async stop() {
      controller.abort()
      return await done.catch(() => null)
    },
  }
}
