import { readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { handOver, typescript } from '#local/run-child.ts'

/**
 * `npm run bench -- <name> …`: one of the benchmarks in `bench/`. They start what they need;
 * ROUNDS=n sets how often each is repeated.
 */
const folder = join(import.meta.dirname, '..', 'bench')
const names = readdirSync(folder)
  .filter((file) => file.endsWith('.ts'))
  .map((file) => basename(file, '.ts'))
  .filter((name) => name !== 'measure')
const [name, ...args] = process.argv.slice(2)
if (name === undefined || !names.includes(name)) {
  console.error(`Say which: ${names.map((each) => `npm run bench -- ${each}`).join(', ')}`)
  process.exitCode = 2
} else {
  process.exitCode = await handOver(
    process.execPath,
    typescript(join('bench', `${name}.ts`), ...args),
    process.env,
  )
}
