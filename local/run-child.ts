import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { projectDir } from './data-dir.ts'

export interface ChildOptions {
  env?: NodeJS.ProcessEnv
  /** Ends it with SIGTERM. */
  signal?: AbortSignal
  /** Takes each line that it prints, as it comes; without it they are only gathered. */
  onLine?(line: string): void
}

/**
 * Runs a program to its end. `code` is null when a signal ended it; `output` is what it printed on
 * both streams.
 */
export async function runChild(
  command: string,
  args: string[],
  options: ChildOptions = {},
): Promise<{ code: number | null; output: string }> {
  const { signal, onLine } = options
  signal?.throwIfAborted()
  const child = spawn(command, args, {
    cwd: projectDir,
    env: options.env ?? process.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const lines: string[] = []
  const take = (line: string) => {
    lines.push(line)
    onLine?.(line)
  }
  for (const stream of [child.stdout, child.stderr])
    createInterface({ input: stream }).on('line', take)
  const stop = () => child.kill('SIGTERM')
  signal?.addEventListener('abort', stop, { once: true })
  try {
    const [code] = await once(child, 'close')
    signal?.throwIfAborted()
    return { code, output: lines.join('\n') }
  } finally {
    signal?.removeEventListener('abort', stop)
  }
}

/**
 * Gives the terminal to a program until it ends.
 * @returns its exit code; 1 when a signal ended it.
 */
export async function handOver(
  command: string,
  args: string[],
  env: NodeJS.ProcessEnv,
): Promise<number> {
  const child = spawn(command, args, { cwd: projectDir, env, stdio: 'inherit' })
  // Ctrl-C reaches it through the terminal; we only have to outlive it. A signal for us alone has
  // to be passed on.
  const ignore = () => {}
  const pass = () => child.kill('SIGTERM')
  process.on('SIGINT', ignore).on('SIGTERM', pass)
  try {
    const [code] = await once(child, 'exit')
    return code ?? 1
  } finally {
    process.off('SIGINT', ignore).off('SIGTERM', pass)
  }
}

/** How a TypeScript file of this project is run: the arguments for `process.execPath`. */
export function typescript(file: string, ...args: string[]): string[] {
  return ['--import', 'tsx', file, ...args]
}

/** The program of an installed package, as an argument for `process.execPath`. */
export function installed(name: string): string {
  return join(projectDir, 'node_modules', '.bin', name)
}
