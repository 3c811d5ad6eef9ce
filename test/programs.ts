import { join } from 'node:path'
import { z } from 'zod'
import type { programs } from './build-programs.ts'
import { onDemand } from './on-demand.ts'

export type ProgramFile = (typeof programs)[number]

/**
 * How to run one of our programs: the arguments for `process.execPath`. It is compiled once for the
 * whole run; `npm start` and the commands compile at each start instead.
 */
export async function program(file: ProgramFile, ...args: string[]): Promise<string[]> {
  const folder = z.string().parse(await onDemand('programs'))
  return [join(folder, file.replace(/\.ts$/, '.js')), ...args]
}
