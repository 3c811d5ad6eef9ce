import { readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { handOver, typescript } from '#local/run-child.ts'

/**
 * `npm run bench -- <name> …` runs one of the benchmarks in `bench/`, with the services that it
 * needs. ROUNDS=n sets the number of repetitions.
 */
const folder = join(import.meta.dirname, '..', 'bench')
const names = readdirSync(folder)
  .filter((file) => file.endsWith('.ts'))
  .map((file) => basename(file, '.ts'))
  .filter((name) => name !== 'measure')
const [name, ...args] = process.argv.slice(2)
if (name === undefined || !names.includes(name)) {
  console.error(`Name one benchmark: ${names.map((each) => `npm run bench -- ${each}`).join(', ')}`)
  process.exitCode = 2
} else {
  process.exitCode = await handOver(
    process.execPath,
    typescript(join('bench', `${name}.ts`), ...args),
    process.env,
  )
}
