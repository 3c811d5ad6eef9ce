import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { z } from 'zod'

/** Names one process for good: a pid alone is given to another process sooner or later. */
export const ProcessMark = z.object({ pid: z.number().int().positive(), started: z.string() })
export type ProcessMark = z.infer<typeof ProcessMark>

/**
 * The process that has this pid now; null when there is none, or only a zombie that nobody
 * collects.
 */
export function markOf(pid: number): ProcessMark | null {
  const started = process.platform === 'linux' ? startedOnLinux(pid) : startedByPs(pid)
  return started === null ? null : { pid, started }
}

export function isRunning(mark: ProcessMark): boolean {
  return markOf(mark.pid)?.started === mark.started
}

/** Its command line; null when it has gone. */
export function commandLineOf(pid: number): string | null {
  try {
    if (process.platform === 'linux')
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
    return ps(pid, 'command=')
  } catch {
    return null
  }
}

/**
 * Sends each signal in turn and gives it its time, until the process has gone.
 * @returns false when it outlived them all.
 */
export async function endProcess(
  mark: ProcessMark,
  steps: readonly [signal: NodeJS.Signals, graceMs: number][],
): Promise<boolean> {
  for (const [signal, graceMs] of steps) {
    if (!isRunning(mark)) return true
    try {
      process.kill(mark.pid, signal)
    } catch (error) {
      if (!isGone(error)) throw error
    }
    if (await hasEnded(mark, graceMs)) return true
  }
  return !isRunning(mark)
}

/** Asks again and again, for an adopted process is not our child and sends us no exit event. */
export async function hasEnded(mark: ProcessMark, withinMs: number): Promise<boolean> {
  const deadline = performance.now() + withinMs
  while (isRunning(mark)) {
    if (performance.now() >= deadline) return false
    await wait(20)
  }
  return true
}

function startedOnLinux(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The second field is the program's name in brackets and may itself hold blanks and brackets.
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

function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ESRCH'
}
