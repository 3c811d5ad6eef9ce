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
  /** Asks for a clean stop. */
  signal: AbortSignal
  /** Ends the programs at once; the services are still stopped in order. */
  hurry: AbortSignal
  /** How long each program may take to end. */
  graceMs: number
  /** Called with each process as it is started, and started again. */
  onStart(mark: ProcessIdentity): void
  /** Called each time a program is ready, also after a restart. */
  onProgramReady(ready: Ready): void
  /** Called once, when every program is ready. */
  onReady(ready: Ready[]): void
}

/**
 * Keeps programs and services running until `signal`, or until one of them cannot be kept. When it
 * settles, none of them runs: the programs were stopped one after the other as listed, then the
 * services.
 * @throws {CannotStart} naming what could not be kept, and why.
 */
export async function supervise(
  programs: (Program | WatchedProgram)[],
  services: Service[],
  options: SuperviseOptions,
): Promise<void> {
  const { signal } = options
  const said = new Map<string, Ready>()
  const onReady = (name: string, ready: Ready) => {
    options.onProgramReady(ready)
    const complete = said.size === programs.length
    said.set(name, ready)
    if (!complete && said.size === programs.length) options.onReady([...said.values()])
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
    if (signal.aborted) options.log.say('Stopping. Ctrl-C again hurries.')
    for (const { stop } of running) await stop()
    for (const [at, { stop }] of serving.entries()) {
      const last = (await stop()) ?? services[at]
      if (last !== undefined) await stopServices([last])
    }
  }
}

/**
 * Something that runs until it is stopped. `stop` tells what it came to; null when it failed, of
 * which `done` tells.
 */
function controlled<T>(run: (signal: AbortSignal) => Promise<T>): {
  done: Promise<T>
  stop(): Promise<T | null>
} {
  const controller = new AbortController()
  const done = run(controller.signal)
  done.catch(() => {}) // Heard by whoever awaits `done`; it may fail before anybody does.
  return {
    done,
    async stop() {
      controller.abort()
      return await done.catch(() => null)
    },
  }
}
