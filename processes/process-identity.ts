import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { z } from 'zod'
import { codeOf } from './error-code.ts'
import { isFresh } from './heartbeat.ts'

const ownHostname = hostname()

/**
 * Identifies one process permanently, for use in files. A pid alone is not enough: the system
 * reuses it sooner or later, in containers within seconds.
 */
export const ProcessIdentity = z.object({
  pid: z.number().int().positive(),
  /** The start time as the system reports it; null in files of earlier versions. */
  started: z.string().nullable().default(null),
  hostname: z.string().default(ownHostname),
})
export type ProcessIdentity = z.infer<typeof ProcessIdentity>

let own: ProcessIdentity | undefined

export function ownIdentity(): ProcessIdentity {
  own ??= identityOf(process.pid) ?? undefined
  if (own === undefined) throw new Error('The start time of this process is not available.')
  return own
}

/** The process that has this pid now; null if there is none, or only a zombie. */
export function identityOf(pid: number): ProcessIdentity | null {
  const started = process.platform === 'linux' ? startedOnLinux(pid) : startedByPs(pid)
  return started === null ? null : { pid, started, hostname: ownHostname }
}

/** Whether exactly this process, not another with its pid, is running on this machine. */
export function isRunning({ pid, started }: ProcessIdentity): boolean {
  return started !== null && identityOf(pid)?.started === started
}

/**
 * Whether the process that owns a file is alive. Exact if the process can be looked up; otherwise
 * it counts as alive as long as it renews the file.
 * @param renewedAt the file's mtime, in ms since 1970.
 */
export function isAlive(owner: ProcessIdentity, renewedAt: number): boolean {
  if (isRunning(owner)) return true
  return !canBeLookedUp(owner) && isFresh(renewedAt)
}

/**
 * False for a process on another machine, for the owner in a file of an earlier version, and for
 * other users' processes if the system hides them.
 */
function canBeLookedUp({ pid, started, hostname }: ProcessIdentity): boolean {
  if (hostname !== ownHostname) return false
  const error = signalError(pid)
  if (pid === process.pid || error === 'ESRCH') return true
  return started !== null && (error === null || identityOf(pid) !== null)
}

/** The error code of sending a signal: ESRCH if no process has this pid, EPERM; null if allowed. */
function signalError(pid: number): unknown {
  try {
    process.kill(pid, 0)
    return null
  } catch (error) {
    return codeOf(error)
  }
}

/** The command line; null if the process has ended. */
export function commandLineOf(pid: number): string | null {
  try {
    if (process.platform === 'linux')
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
    return ps(pid, 'command=')
  } catch {
    return null
  }
}

function startedOnLinux(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The second field is the program's name in parentheses; it may contain spaces and parentheses.
    const [state, ...rest] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return state === 'Z' || state === 'X' ? null : `${boot}/${rest[18]}`
  } catch {
    return null
  }
}

function startedByPs(pid: number): string | null {
  try {
    const line = ps(pid, 'stat=,lstart=')
    return line === '' || line.startsWith('Z') ? null : line.replace(/^\S+\s+/, '')
  } catch {
    return null
  }
}

function ps(pid: number, columns: string): string {
  const output = execFileSync('ps', ['-o', columns, '-p', String(pid)], {
    encoding: 'utf8',
    env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  return output.trim()
}
