import { join } from 'node:path'
import { z } from 'zod'
import type { programs } from './build-programs.ts'
import { onDemand } from './on-demand.ts'

export type ProgramFile = (typeof programs)[number]

/**
 * The arguments for `process.execPath` that run one of our programs. Programs are compiled once per
 * test run, whereas `npm start` and the commands compile at each start.
 */
export async function program(file: ProgramFile, ...args: string[]): Promise<string[]> {
  const folder = z.string().parse(await onDemand('programs'))
  return [join(folder, file.replace(/\.ts$/, '.js')), ...args]
}
