import { CannotStart, tellFailure } from '#local/cannot-start.ts'
import { authSecret, importDir, indexDir, openDataDir, projectDir } from '#local/data-dir.ts'
import { runChild, typescript } from '#local/run-child.ts'
import { ensureServices, stopServices, urlsOf } from '#local/services/ensure.ts'
import { endProcess, type ProcessMark } from '#local/services/process-mark.ts'
import { stopSignals } from '#local/stop-signals.ts'
import { takeLock } from '#local/supervisor/lock.ts'
import type { Program, Ready } from '#local/supervisor/program.ts'
import { type ReadableLog, readableLog } from '#local/supervisor/readable-log.ts'
import { supervise } from '#local/supervisor/supervise.ts'
import { buildPages } from './build-pages.ts'
import { hasIndex } from './has-index.ts'

/**
 * A program ends its own work within `SHUTDOWN_GRACE_MS` and hands back what is left; only one that
 * hangs needs more.
 */
const marginMs = 10_000

/** `npm start`: everything that Searchlight needs, in one terminal, until Ctrl-C. */
async function start(): Promise<void> {
  const { stop, hurry } = stopSignals()
  const dataDir = openDataDir(process.env)
  const graceMs = Number(process.env.SHUTDOWN_GRACE_MS || 10_000) + marginMs
  const lock = takeLock(dataDir)
  const log = readableLog((text) => process.stdout.write(text), {
    colorize: process.stdout.isTTY,
    now: () => new Date(),
  })
  try {
    for (const mark of lock.left) await endLeftover(mark, graceMs, log)
    const services = await ensureServices(['redis', 'postgres'], process.env, {
      dataDir,
      say: log.say,
    })
    const env: NodeJS.ProcessEnv = {
      UV_THREADPOOL_SIZE: '16', // DuckDB's queries hold these threads, and files are read by them too.
      ...process.env,
      ...urlsOf(services),
      AUTH_SECRET: authSecret(dataDir, process.env),
      INDEX_DIR: indexDir(dataDir, process.env),
      IMPORT_DIR: importDir(dataDir, process.env),
      NODE_ENV: 'production',
    }
    try {
      await prepare(env, log, stop)
    } catch (error) {
      await stopServices(services)
      throw error
    }
    const programs = [
      program('server', 'server/main.ts', env),
      program('worker', 'workers/main.ts', env),
    ]
    const onStart = (started: ProcessMark) => lock.tell({ started })
    const onReady = (ready: Ready[]) => {
      const url = ready.find((program) => program.url !== undefined)?.url
      if (url !== undefined) settle(url, programs)
      if (url !== undefined) lock.tell({ url })
      process.stdout.write(welcome(url, ready))
    }
    await supervise(programs, services, {
      cwd: projectDir,
      dataDir,
      log,
      signal: stop,
      hurry,
      graceMs,
      onStart,
      onReady,
    })
  } finally {
    lock.release()
  }
}

async function endLeftover(mark: ProcessMark, graceMs: number, log: ReadableLog): Promise<void> {
  log.say(`Waiting for process ${mark.pid}, which an earlier start has left, to end.`)
  const ended = await endProcess(mark, [
    ['SIGTERM', graceMs],
    ['SIGKILL', 5_000],
  ])
  if (!ended)
    throw new CannotStart(
      `Process ${mark.pid}, which an earlier start has left, does not end. End it and try again.`,
    )
}

/** The index and the pages, where they are missing. */
async function prepare(env: NodeJS.ProcessEnv, log: ReadableLog, stop: AbortSignal): Promise<void> {
  const failed = new AbortController()
  const signal = AbortSignal.any([stop, failed.signal])
  const work = [starterIndex(env, log, signal), buildPages({ say: log.say, signal })]
  try {
    await Promise.all(work)
  } finally {
    failed.abort()
    await Promise.allSettled(work)
  }
}

async function starterIndex(
  env: NodeJS.ProcessEnv,
  log: ReadableLog,
  signal: AbortSignal,
): Promise<void> {
  if (await hasIndex(env.INDEX_DIR ?? '')) return
  log.say(
    'Building an index from the documents of the installed packages, so that there is something to search…',
  )
  const args = typescript('scripts/index.ts', 'starter', '--if-missing')
  const { code, output } = await runChild(process.execPath, args, {
    env,
    signal,
    onLine: (line) => log.line('index', line),
  })
  if (code !== 0)
    throw new CannotStart(`The starter index could not be built: ${output.split('\n').at(-1)}`)
}

function program(name: string, file: string, env: NodeJS.ProcessEnv): Program {
  return { name, command: process.execPath, args: typescript(file), env: { ...env } }
}

/** A server that is started again has to be found where it was. */
function settle(url: string, programs: Program[]): void {
  for (const { env } of programs) if (!env.PORT && !env.PUBLIC_URL) env.PORT = new URL(url).port
}

function welcome(url: string | undefined, ready: Ready[]): string {
  const hints = ready.flatMap(({ hint }) => (hint === undefined ? [] : [hint]))
  const lines = [
    `Searchlight is ready${url === undefined ? '.' : `: ${url}`}`,
    ...hints,
    'Ctrl-C stops it.',
  ]
  return `\n${lines.map((line) => `  ${line}\n`).join('')}\n`
}

try {
  await start()
} catch (error) {
  // Stopped while it was starting: that is no failure.
  if (!(error instanceof Error && error.name === 'AbortError')) {
    console.error(`\n${tellFailure(error)}`)
    process.exitCode = 1
  }
}
