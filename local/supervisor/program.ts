import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import { z } from 'zod'
import { identityOf, type ProcessIdentity } from '#processes/process-identity.ts'
import { parseEntry, type ReadableLog } from './readable-log.ts'

/** A program of ours that runs for as long as Searchlight does. */
export interface Program {
  name: string
  command: string
  args: string[]
  env: NodeJS.ProcessEnv
}

/** What a program sends over its IPC channel once it works. */
export const Ready = z.object({
  type: z.literal('ready'),
  url: z.string().optional(),
  /** A sentence for the person who starts it. */
  hint: z.string().optional(),
})
export type Ready = z.infer<typeof Ready>

export interface RunOptions {
  cwd: string
  log: ReadableLog
  /** Asks it to end with SIGTERM. */
  signal: AbortSignal
  /** Ends it at once. */
  hurry: AbortSignal
  /** How long it may take to end, before it is killed. */
  graceMs: number
  onStart(mark: ProcessIdentity): void
  onReady(ready: Ready): void
  /** Takes the other messages that it sends over IPC. */
  onMessage?(message: unknown): void
}

/** How a program ended. */
export interface End {
  /** For a sentence: "exit code 1". */
  how: string
  wasReady: boolean
  /** The last error that it printed. */
  lastError: string | null
}

/** The rest of a sentence that begins with "The server ended". */
export function because({ how, lastError }: End): string {
  return lastError === null ? `, with ${how}` : ` (${how}): ${lastError}`
}

/**
 * Starts a program in a session of its own, so that Ctrl-C reaches us alone and we stop everything in
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
  const mark = child.pid === undefined ? null : identityOf(child.pid)
  if (mark !== null) onStart(mark)
  return child
}

/**
 * Runs a program once, to its end, however it ends. Until it is ready its complaints are held back:
 * if it ends before, they become one sentence instead of two.
 * @param child the program, if it has been spawned already.
 */
export async function runProgram(
  program: Program,
  options: RunOptions,
  child = spawnProgram(program, options),
): Promise<End> {
  const { log, signal, hurry } = options
  const complaints = gatherComplaints(program.name, log)
  const read = [
    readLines(child.stdout, complaints.output),
    readLines(child.stderr, complaints.error),
  ]
  child.on('message', (message) => {
    const ready = Ready.safeParse(message)
    if (!ready.success) return options.onMessage?.(message)
    complaints.release()
    options.onReady(ready.data)
  })

  const ended = new AbortController()
  const stop = async () => {
    child.kill('SIGTERM')
    await wait(options.graceMs, undefined, { signal: ended.signal }).catch(() => {}) // It ended in time.
    child.kill('SIGKILL')
  }
  const kill = () => child.kill('SIGKILL')
  signal.addEventListener('abort', stop, { once: true })
  hurry.addEventListener('abort', kill, { once: true })
  if (signal.aborted) void stop()
  try {
    const [code, killedBy] = await ending(child)
    ended.abort()
    // Its last words; a grandchild that holds the pipe open does not keep us.
    await Promise.race([Promise.all(read), wait(1_000, undefined, { ref: false })])
    return { how: killedBy ? `signal ${killedBy}` : `exit code ${code}`, ...complaints.ended() }
  } finally {
    ended.abort()
    signal.removeEventListener('abort', stop)
    hurry.removeEventListener('abort', kill)
  }
}

async function ending(child: ReturnType<typeof spawn>): Promise<unknown[]> {
  try {
    return await once(child, 'exit')
  } catch (error) {
    return [error instanceof Error ? error.message : String(error), null] // It could not be started at all.
  }
}

async function readLines(stream: Readable | null, take: (line: string) => void): Promise<void> {
  if (stream === null) return
  for await (const line of createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY }))
    take(line)
}

function gatherComplaints(name: string, log: ReadableLog) {
  let wasReady = false
  let lastError: string | null = null
  let held: string[] = []
  const complain = (line: string) => {
    if (wasReady) log.line(name, line)
    else held.push(line)
  }
  return {
    output(line: string) {
      const entry = parseEntry(line)
      if (entry === null || entry.level < 50) return log.line(name, line)
      lastError = entry.msg ?? lastError
      complain(line)
    },
    error(line: string) {
      const entry = parseEntry(line)
      if (entry !== null) lastError = entry.msg ?? lastError
      // Of an uncaught error's lines, the one that names it; a stack and the quoted source say
      // nothing to a person.
      else if (/^(\w*Error\b|[A-Z]\w+:)/.test(line) || (lastError === null && /^\S/.test(line)))
        lastError = line
      complain(line)
    },
    release() {
      wasReady = true
      for (const line of held) log.line(name, line)
      held = []
    },
    ended(): Pick<End, 'wasReady' | 'lastError'> {
      // A plain complaint is told once, by whoever reports this end; more lines than that are a
      // stack, and help to find the fault.
      if (held.length > 1) for (const line of held) log.line(name, line)
      return { wasReady, lastError }
    },
  }
}
