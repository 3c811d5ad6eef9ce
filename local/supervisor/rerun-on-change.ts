import type { ChildProcess } from 'node:child_process'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { typescript } from '../run-child.ts'
import { because, type Program, type RunOptions, runProgram, spawnProgram } from './program.ts'
import type { StandbyMessage } from './standby.ts'
import { type WatchedFiles, watchFiles } from './watched-files.ts'

/** A program that restarts when one of these files, or any file that it imports, changes. */
export interface WatchedProgram extends Program {
  /** Absolute paths. */
  watch: { files: string[]; folders: string[] }
}

/** Node sends this over IPC if WATCH_REPORT_DEPENDENCIES is set, as `node --watch` does. */
const ImportReport = z.object({ 'watch:import': z.array(z.string().nullable()) })

/** If one of these files changes, the packages preloaded by the standby process are stale. */
const packageFile = /(^|\/)(package|\.package-lock)\.json$/

/** @param file a TypeScript file of this project, followed by its arguments. */
export function watchedProgram(
  name: string,
  [file, ...args]: [string, ...string[]],
  { env, watch }: Pick<WatchedProgram, 'env' | 'watch'>,
): WatchedProgram {
  return {
    name,
    command: process.execPath,
    args: typescript(join(import.meta.dirname, 'standby.ts'), file, ...args),
    env: { ...env, WATCH_REPORT_DEPENDENCIES: '1' },
    watch,
  }
}

/**
 * Runs a program until `signal` aborts, and restarts it whenever one of its files changes. After a
 * crash, waits for the next change.
 */
export async function rerunOnChange(program: WatchedProgram, options: RunOptions): Promise<void> {
  const { signal, log, cwd } = options
  const files = watchFiles(program.watch)
  const packages = new Set<string>()
  const standby = createStandby(program, options)
  try {
    while (!signal.aborted) {
      const changed = new AbortController()
      const nextChange = files.nextChange(signal)
      nextChange.then(() => changed.abort())
      const end = await runProgram(
        program,
        {
          ...options,
          signal: AbortSignal.any([signal, changed.signal]),
          onReady(ready) {
            options.onReady(ready)
            standby.prepare(packages)
          },
          onMessage: (message) => noteImports(message, files, packages),
        },
        standby.take(),
      )
      if (signal.aborted) return
      const crashed = !changed.signal.aborted
      if (crashed) {
        log.say(`The ${program.name} ended${because(end)}. Change a file to start it again.`)
        standby.prepare(packages)
      }
      // A missing file may have caused the crash, and missing files are not watched.
      const path = await (crashed ? files.nextChange(signal, { anyNeighbour: true }) : nextChange)
      if (path === null) return
      log.say(`${relative(cwd, path)} has changed. Restarting the ${program.name}.`)
      if (packageFile.test(path)) {
        packages.clear()
        standby.discard()
      }
    }
  } finally {
    files.close()
    standby.discard()
  }
}

/** Keeps a standby process for the next run, with the packages loaded. */
function createStandby(program: Program, options: RunOptions) {
  let waiting: ChildProcess | null = null
  return {
    prepare(packages: ReadonlySet<string>): void {
      if (waiting === null) {
        waiting = spawnProgram(program, options)
        waiting.on('error', () => {}) // `take` checks whether it runs.
      }
      send(waiting, { type: 'load', urls: [...packages] })
    },
    /** Runs the program in the waiting process, or in a new one if none waits. */
    take(): ChildProcess {
      const isWaiting = waiting?.pid && waiting.exitCode === null && waiting.signalCode === null
      const child = waiting && isWaiting ? waiting : spawnProgram(program, options)
      waiting = null
      send(child, { type: 'run', env: program.env })
      return child
    },
    discard(): void {
      waiting?.kill()
      waiting = null
    },
  }
}

function send(child: ChildProcess, message: StandbyMessage): void {
  child.send(message, () => {}) // If the process has ended, its exit is handled elsewhere.
}

function noteImports(message: unknown, files: WatchedFiles, packages: Set<string>): void {
  for (const url of ImportReport.safeParse(message).data?.['watch:import'] ?? []) {
    if (!url?.startsWith('file:')) continue
    if (url.includes('/node_modules/')) packages.add(url)
    else files.add(fileURLToPath(url))
  }
}
