import { spawn } from 'node:child_process'
import { closeSync, fstatSync, openSync, readFileSync, renameSync, statSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { endProcess } from '#processes/end-process.ts'
import { identityOf, isRunning, type ProcessIdentity } from '#processes/process-identity.ts'
import { CannotStart } from '../cannot-start.ts'

const logLimitBytes = 10 * 1024 * 1024
/** Generous, because a database first replays its log after a crash. */
const readyWithinMs = 120_000

export interface Launch {
  /** Its name in messages. */
  title: string
  command: string
  args: string[]
  /** Written to its standard input: secrets would be visible in the process list. */
  input?: string
  account?: { uid?: number; gid?: number }
  env?: NodeJS.ProcessEnv
  /** The file that receives its output. */
  log: string
  /**
   * Called as soon as the process exists, so that the next start finds it even if we are killed
   * before it is ready.
   */
  onStart(identity: ProcessIdentity): void
  /** Whether the service accepts requests. */
  isReady(): Promise<boolean>
}

/** Another process took the port after it was found free. Retry with another port. */
export class ServicePortTaken extends CannotStart {}

/**
 * Starts a service in its own session, so that Ctrl-C in our terminal does not reach it, and waits
 * until it is ready.
 * @throws {CannotStart} with the last line of its log; the service no longer runs.
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
    failed.catch(() => {}) // Not awaited any more once the service is ready.
    // The write fails if the program ends before it has read its input. Its log says why.
    child.stdin?.on('error', () => {})
    child.stdin?.end(service.input)
    child.unref()
    const identity = child.pid === undefined ? null : identityOf(child.pid)
    if (identity === null) return await failed
    service.onStart(identity)
    await Promise.race([failed, untilReady(service, identity)])
    ready = true
    return identity
  } finally {
    closeSync(log.fd)
  }
}

async function untilReady(service: Launch, identity: ProcessIdentity): Promise<void> {
  const deadline = performance.now() + readyWithinMs
  while (isRunning(identity)) {
    if (await service.isReady()) return
    if (performance.now() > deadline) {
      await endProcess(identity, [['SIGKILL', 5_000]])
      throw new CannotStart(
        `${service.title} did not answer within ${readyWithinMs / 1000} seconds. See ${service.log}`,
      )
    }
    await wait(25)
  }
  // The exit event follows shortly and rejects with the reason.
  await wait(1_000)
  throw new CannotStart(`${service.title} ended while it was starting. See ${service.log}`)
}

function openLog(path: string): { fd: number; from: number } {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0
  if (size > logLimitBytes) renameSync(path, `${path}.old`)
  const fd = openSync(path, 'a', 0o600)
  return { fd, from: fstatSync(fd).size }
}

function failure(service: Launch, exit: number | string | null, from: number): CannotStart {
  const printed = readFileSync(service.log).subarray(from).toString().trim()
  const errorLine = printed
    .split('\n')
    .findLast((line) => /fatal|error|fail|address already in use|bind/i.test(line))
  const reason = errorLine ?? printed.split('\n').at(-1) ?? ''
  const message = `${service.title} could not start (${exit}): ${reason.trim() || 'it printed nothing'}. See ${service.log}`
  return /address already in use/i.test(printed)
    ? new ServicePortTaken(message)
    : new CannotStart(message)
}
