import { endProcess } from '#processes/end-process.ts'
import type { ProcessIdentity } from '#processes/process-identity.ts'
import { CannotStart, failureMessage } from './cannot-start.ts'
import { authSecret, importDir, indexDir, openDataDir, projectDir } from './data-dir.ts'
import { ensureServices, stopServices, urlsOf } from './services/ensure.ts'
import { stopSignals } from './stop-signals.ts'
import { takeRunningLock } from './supervisor/lock.ts'
import type { Program, Ready } from './supervisor/program.ts'
import { type ReadableLog, readableLog } from './supervisor/readable-log.ts'
import type { WatchedProgram } from './supervisor/rerun-on-change.ts'
import { supervise } from './supervisor/supervise.ts'

/**
 * A program ends within `SHUTDOWN_GRACE_MS`, in which it returns its unfinished jobs to the queue.
 * One that takes this much longer hangs and is killed.
 */
const marginMs = 10_000

export interface HowToRun {
  /** The command that the user typed: `npm start`. */
  command: string
  /** Added to the inherited environment of every process. */
  env: NodeJS.ProcessEnv
  /** Builds whatever is missing before any program starts. */
  prepare(env: NodeJS.ProcessEnv, log: ReadableLog, signal: AbortSignal): Promise<unknown>[]
  programs(env: NodeJS.ProcessEnv): (Program | WatchedProgram)[]
}

/**
 * Runs everything that Searchlight needs, in one terminal, until Ctrl-C. Prints any failure.
 * @returns the exit code.
 */
export async function runSearchlight(how: HowToRun): Promise<number> {
  try {
    await run(how)
    return 0
  } catch (error) {
    if (error instanceof Error && error.name === 'AbortError') return 0 // Stopped during the start.
    console.error(`\n${failureMessage(error)}`)
    return 1
  }
}

/** @throws {CannotStart} */
async function run({ command, ...how }: HowToRun): Promise<void> {
  const { stop, forceStop } = stopSignals()
  const given: NodeJS.ProcessEnv = { ...process.env, ...how.env }
  const dataDir = openDataDir(given)
  const graceMs = Number(given.SHUTDOWN_GRACE_MS || 10_000) + marginMs
  const lock = await takeRunningLock(dataDir, command)
  const log = readableLog((text) => process.stdout.write(text), {
    colorize: process.stdout.isTTY,
    now: () => new Date(),
  })
  try {
    for (const program of lock.leftRunning) await endLeftover(program, graceMs, log)
    const services = await ensureServices(['redis', 'postgres'], given, { dataDir, say: log.say })
    const env: NodeJS.ProcessEnv = {
      UV_THREADPOOL_SIZE: '16', // Shared by DuckDB's queries, which block a thread each, and file reads.
      ...given,
      ...urlsOf(services),
      AUTH_SECRET: authSecret(dataDir, given),
      INDEX_DIR: indexDir(dataDir, given),
      IMPORT_DIR: importDir(dataDir, given),
    }
    try {
      await prepareAll((signal) => how.prepare(env, log, signal), stop)
    } catch (error) {
      await stopServices(services)
      throw error
    }
    const programs = how.programs(env)
    const lockFailed = (error: Error) => log.say(`running.json can't be written: ${error.message}`)
    await supervise(programs, services, {
      cwd: projectDir,
      dataDir,
      log,
      signal: stop,
      forceStop,
      graceMs,
      onStart: (program) => lock.addProgram(program).catch(lockFailed),
      onProgramReady({ url }) {
        if (url === undefined) return
        keepPort(url, programs)
        lock.setUrl(url).catch(lockFailed)
      },
      onReady: (ready) => process.stdout.write(welcome(ready)),
    })
  } finally {
    await lock.release()
  }
}

async function endLeftover(
  program: ProcessIdentity,
  graceMs: number,
  log: ReadableLog,
): Promise<void> {
  log.say(`Waiting for process ${program.pid} to end; an earlier start left it running.`)
  const ended = await endProcess(program, [
    ['SIGTERM', graceMs],
    ['SIGKILL', 5_000],
  ])
  if (!ended)
    throw new CannotStart(
      `Process ${program.pid}, left running by an earlier start, does not end. Kill it and try again.`,
    )
}

/** Runs all parts at once. If one fails, the others are aborted and awaited. */
async function prepareAll(
  prepare: (signal: AbortSignal) => Promise<unknown>[],
  stop: AbortSignal,
): Promise<void> {
  const failed = new AbortController()
  const parts = prepare(AbortSignal.any([stop, failed.signal]))
  try {
    await Promise.all(parts)
  } finally {
    failed.abort()
    await Promise.allSettled(parts)
  }
}

/** Makes a restarted server use the same port again. */
function keepPort(url: string, programs: Program[]): void {
  for (const { env } of programs) if (!env.PORT && !env.PUBLIC_URL) env.PORT = new URL(url).port
}

function welcome(ready: Ready[]): string {
  const url = ready.find((program) => program.url !== undefined)?.url
  const hints = ready.flatMap(({ hint }) => (hint === undefined ? [] : [hint]))
  const lines = [
    `Searchlight is ready${url === undefined ? '.' : `: ${url}`}`,
    ...hints,
    'Press Ctrl-C to stop it.',
  ]
  return `\n${lines.map((line) => `  ${line}\n`).join('')}\n`
}
