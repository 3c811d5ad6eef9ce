import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { projectDir } from './data-dir.ts'

export interface ChildOptions {
  env?: NodeJS.ProcessEnv
  /** Ends the program with SIGTERM. */
  signal?: AbortSignal
  /** Called with each line of output as it arrives. */
  onLine?(line: string): void
}

/**
 * Runs a program to its end.
 * @returns `code` is null if a signal ended the program; `output` holds standard output and standard
 * error.
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
 * Runs a program on this terminal until it ends.
 * @returns its exit code; 1 if a signal ended it.
 */
export async function handOver(
  command: string,
  args: string[],
  env: NodeJS.ProcessEnv,
): Promise<number> {
  const child = spawn(command, args, { cwd: projectDir, env, stdio: 'inherit' })
  // The terminal sends Ctrl-C to the program as well; we must not exit before it does. SIGTERM
  // reaches only us, so we forward it.
  const ignore = () => {}
  const forward = () => child.kill('SIGTERM')
  process.on('SIGINT', ignore).on('SIGTERM', forward)
  try {
    const [code] = await once(child, 'exit')
    return code ?? 1
  } finally {
    process.off('SIGINT', ignore).off('SIGTERM', forward)
  }
}

/** The arguments for `process.execPath` that run a TypeScript file of this project. */
export function typescript(file: string, ...args: string[]): string[] {
  return ['--import', 'tsx', file, ...args]
}

/** The path of an installed package's program, as an argument for `process.execPath`. */
export function installed(name: string): string {
  return join(projectDir, 'node_modules', '.bin', name)
}
