import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import { z } from 'zod'
import { identityOf, type ProcessIdentity } from '#processes/process-identity.ts'
import { parseEntry, type ReadableLog } from './readable-log.ts'

/** A program that runs as long as Searchlight does: the server or the worker. */
export interface Program {
  name: string
  command: string
  args: string[]
  env: NodeJS.ProcessEnv
}

/** The message that a program sends over IPC once it is ready. */
export const Ready = z.object({
  type: z.literal('ready'),
  url: z.string().optional(),
  /** A sentence for the user, printed when everything is ready. */
  hint: z.string().optional(),
})
export type Ready = z.infer<typeof Ready>

export interface RunOptions {
  cwd: string
  log: ReadableLog
  /** Stops the program with SIGTERM. */
  signal: AbortSignal
  /** Kills the program at once. */
  forceStop: AbortSignal
  /** How long the program may take to end after SIGTERM, before it is killed. */
  graceMs: number
  onStart(identity: ProcessIdentity): void
  onReady(ready: Ready): void
  /** Called with every other IPC message of the program. */
  onMessage?(message: unknown): void
}

/** How a program ended. */
export interface End {
  /** As part of a sentence: "exit code 1". */
  how: string
  wasReady: boolean
  /** The last error that the program printed. */
  lastError: string | null
}

/** The end of a sentence that begins with "The server ended". */
export function because({ how, lastError }: End): string {
  return lastError === null ? `, with ${how}` : ` (${how}): ${lastError}`
}

/**
 * Starts a program in its own session, so that Ctrl-C reaches only us and we stop everything in
 * order. If we are killed, the program notices that its IPC channel has closed.
 */
export function spawnProgram(
  program: Program,
  { cwd, onStart }: Pick<RunOptions, 'cwd' | 'onStart'>,
): ChildProcess {
  const child = spawn(program.command, program.args, {
    cwd,
    env: program.env,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  const identity = child.pid === undefined ? null : identityOf(child.pid)
  if (identity !== null) onStart(identity)
  return child
}

/**
 * Runs a program once, until it ends for any reason. Its errors are held back until it is ready: if
 * it ends before that, the caller reports the error, and it should appear only once.
 * @param child the program's process, if it has been spawned already.
 */
export async function runProgram(
  program: Program,
  options: RunOptions,
  child = spawnProgram(program, options),
): Promise<End> {
  const { log, signal, forceStop } = options
  const errors = holdErrors(program.name, log)
  const read = [readLines(child.stdout, errors.output), readLines(child.stderr, errors.error)]
  child.on('message', (message) => {
    const ready = Ready.safeParse(message)
    if (!ready.success) return options.onMessage?.(message)
    errors.release()
    options.onReady(ready.data)
  })

  const ended = new AbortController()
  const stop = async () => {
    child.kill('SIGTERM')
    // Rejects if the program ends in time.
    await wait(options.graceMs, undefined, { signal: ended.signal }).catch(() => {})
    child.kill('SIGKILL')
  }
  const kill = () => child.kill('SIGKILL')
  signal.addEventListener('abort', stop, { once: true })
  forceStop.addEventListener('abort', kill, { once: true })
  if (signal.aborted) void stop()
  try {
    const [code, killedBy] = await ending(child)
    ended.abort()
    // Reads the remaining output. A grandchild may hold the pipe open, so not for long.
    await Promise.race([Promise.all(read), wait(1_000, undefined, { ref: false })])
    return { how: killedBy ? `signal ${killedBy}` : `exit code ${code}`, ...errors.ended() }
  } finally {
    ended.abort()
    signal.removeEventListener('abort', stop)
    forceStop.removeEventListener('abort', kill)
  }
}

async function ending(child: ReturnType<typeof spawn>): Promise<unknown[]> {
  try {
    return await once(child, 'exit')
  } catch (error) {
    return [error instanceof Error ? error.message : String(error), null] // Spawning failed.
  }
}

async function readLines(stream: Readable | null, take: (line: string) => void): Promise<void> {
  if (stream === null) return
  for await (const line of createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }))
    take(line)
}

function holdErrors(name: string, log: ReadableLog) {
  let wasReady = false
  let lastError: string | null = null
  let held: string[] = []
  const report = (line: string) => {
    if (wasReady) log.line(name, line)
    else held.push(line)
  }
  return {
    output(line: string) {
      const entry = parseEntry(line)
      if (entry === null || entry.level < 50) return log.line(name, line)
      lastError = entry.msg ?? lastError
      report(line)
    },
    error(line: string) {
      const entry = parseEntry(line)
      if (entry !== null) lastError = entry.msg ?? lastError
      // An uncaught error prints its source line and its stack as well; keep the line that names
      // the error.
      else if (/^(\w*Error\b|[A-Z]\w+:)/.test(line) || (lastError === null && /^\S/.test(line)))
        lastError = line
      report(line)
    },
    release() {
      wasReady = true
      for (const line of held) log.line(name, line)
      held = []
    },
    ended(): Pick<End, 'wasReady' | 'lastError'> {
      // The caller reports a single line. More lines are a stack trace, which helps debugging.
      if (held.length > 1) for (const line of held) log.line(name, line)
      return { wasReady, lastError }
    },
  }
}
