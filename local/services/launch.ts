import { spawn } from 'node:child_process'
import { closeSync, fstatSync, openSync, readFileSync, renameSync, statSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { endProcess } from '#processes/end-process.ts'
import { identityOf, isRunning, type ProcessIdentity } from '#processes/process-identity.ts'
import { CannotStart } from '../cannot-start.ts'

const logLimitBytes = 10 * 1024 * 1024
/** A database that replays its log after a crash may take its time. */
const answerWithinMs = 120_000

export interface Launch {
  /** As a person calls it. */
  title: string
  command: string
  args: string[]
  /** Written to its standard input: what must not be seen in the list of processes. */
  input?: string
  account?: { uid?: number; gid?: number }
  env?: NodeJS.ProcessEnv
  /** The file that takes what it prints. */
  log: string
  /**
   * Called with the process as soon as there is one, so that a later start finds it even if we are
   * killed now.
   */
  started(mark: ProcessIdentity): void
  /** Whether it is ready to work. */
  answers(): Promise<boolean>
}

/** The port was taken between being found free and being used; another one will do. */
export class ServicePortTaken extends CannotStart {}

/**
 * Starts a service in a session of its own, so that Ctrl-C in our terminal reaches us and not it,
 * and waits until it answers.
 * @throws {CannotStart} with the last line of its log, and nothing left running.
 */
export async function launch(service: Launch): Promise<ProcessIdentity> {
  const log = openLog(service.log)
  try {
    const child = spawn(service.command, service.args, {
      ...service.account,
      cwd: '/',
      env: service.env ?? process.env,
      detached: true,
      stdio: [service.input === undefined ? 'ignore' : 'pipe', log.fd, log.fd],
    })
    let ready = false
    const failed = new Promise<never>((_, reject) => {
      child.on('error', (error) =>
        reject(new CannotStart(`${service.title} could not be started: ${error.message}.`)),
      )
      child.on('exit', (code, signal) => {
        if (!ready) reject(failure(service, code ?? signal, log.from))
      })
    })
    failed.catch(() => {}) // Awaited below only until it answers.
    // A program that ends before it has read its input says why in its log.
    child.stdin?.on('error', () => {})
    child.stdin?.end(service.input)
    child.unref()
    const mark = child.pid === undefined ? null : identityOf(child.pid)
    if (mark === null) return await failed
    service.started(mark)
    await Promise.race([failed, untilAnswering(service, mark)])
    ready = true
    return mark
  } finally {
    closeSync(log.fd)
  }
}

async function untilAnswering(service: Launch, mark: ProcessIdentity): Promise<void> {
  const deadline = performance.now() + answerWithinMs
  while (isRunning(mark)) {
    if (await service.answers()) return
    if (performance.now() > deadline) {
      await endProcess(mark, [['SIGKILL', 5_000]])
      throw new CannotStart(
        `${service.title} did not answer within ${answerWithinMs / 1000} seconds. See ${service.log}`,
      )
    }
    await wait(25)
  }
  // Its exit event follows and says why.
  await wait(1_000)
  throw new CannotStart(`${service.title} ended while it was starting. See ${service.log}`)
}

function openLog(path: string): { fd: number; from: number } {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0
  if (size > logLimitBytes) renameSync(path, `${path}.old`)
  const fd = openSync(path, 'a', 0o600)
  return { fd, from: fstatSync(fd).size }
}

function failure(service: Launch, how: number | string | null, from: number): CannotStart {
  const printed = readFileSync(service.log).subarray(from).toString().trim()
  const said = printed
    .split('\n')
    .findLast((line) => /fatal|error|fail|address already in use|bind/i.test(line))
  const reason = said ?? printed.split('\n').at(-1) ?? ''
  const message = `${service.title} could not start (${how}): ${reason.trim() || 'it said nothing'}. See ${service.log}`
  return /address already in use/i.test(printed)
    ? new ServicePortTaken(message)
    : new CannotStart(message)
}
