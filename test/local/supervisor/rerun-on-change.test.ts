import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { rerunOnChange, watchedProgram } from '#local/supervisor/rerun-on-change.ts'
import { isRunning, type ProcessIdentity } from '#processes/process-identity.ts'
import { tempDir } from '../temp-dir.ts'

const projectDir = join(import.meta.dirname, '../../..')

/** Prints an imported and a read value, and keeps running. */
const main = `
import { readFileSync } from 'node:fs'
import { word } from './part.ts'
process.on('SIGTERM', () => process.exit(0))
process.on('disconnect', () => process.exit(0))
setInterval(() => {}, 60_000)
console.log('runs with', word, readFileSync(new URL('./scripts/text.lua', import.meta.url), 'utf8'))
process.send?.({ type: 'ready' })
`

/** Runs a program made of these files. `line` resolves once a log line includes the given part. */
async function watched(files: Record<string, string> = {}) {
  const folder = await tempDir()
  mkdirSync(join(folder, 'scripts'))
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text)
  const all = {
    'package.json': '{"type":"module"}',
    'main.ts': main,
    'part.ts': `export const word = 'one'`,
    'scripts/text.lua': 'return 1',
    ...files,
  }
  for (const [name, text] of Object.entries(all)) write(name, text)

  const stop = new AbortController()
  const lines: string[] = []
  const waiting = new Set<() => void>()
  const put = (line: string) => {
    lines.push(line)
    for (const check of waiting) check()
  }
  const processes: ProcessIdentity[] = []
  const program = watchedProgram('worker', [join(folder, 'main.ts')], {
    env: process.env,
    watch: { files: [], folders: [join(folder, 'scripts')] },
  })
  const done = rerunOnChange(program, {
    cwd: projectDir,
    log: { line: (_source, line) => put(line), say: put },
    signal: stop.signal,
    forceStop: new AbortController().signal,
    graceMs: 5_000,
    onStart: (identity) => processes.push(identity),
    onReady: () => {},
  })
  const end = async () => {
    stop.abort()
    await done
  }
  onTestFinished(end)
  return {
    folder,
    lines,
    processes,
    end,
    write,
    line(part: string, times = 1) {
      return new Promise<void>((resolve) => {
        const check = () => {
          if (lines.filter((line) => line.includes(part)).length < times) return
          waiting.delete(check)
          resolve()
        }
        waiting.add(check)
        check()
      })
    },
  }
}

test('a change of an imported file restarts the program', async () => {
  const { write, line, lines } = await watched()
  await line('runs with one')
  write('beside.ts', 'export {}')
  write('part.ts', `export const word = 'two'`)
  await line('runs with two')
  expect(lines.filter((text) => text.includes('beside.ts'))).toEqual([])
  expect(lines.at(-2)).toMatch(/part\.ts has changed\. Restarting the worker\.$/)
})

test('a file that an editor replaces is still watched afterwards', async () => {
  const { folder, write, line } = await watched()
  await line('runs with one')
  for (const word of ['two', 'three']) {
    write('part.ts.new', `export const word = '${word}'`)
    renameSync(join(folder, 'part.ts.new'), join(folder, 'part.ts'))
    await line(`runs with ${word}`)
  }
})

test('a change of a file that is only read restarts the program', async () => {
  const { write, line } = await watched()
  await line('runs with one return 1')
  write('scripts/text.lua', 'return 2')
  await line('runs with one return 2')
})

test('a syntax error is shown, and fixing it restarts the program', async () => {
  const { write, line, lines } = await watched({ 'part.ts': 'export const word = ;' })
  await line('Change a file to start it again.')
  expect(lines.join('\n')).toMatch(/part\.ts:1:20: ERROR: Unexpected ";"/)
  write('part.ts', `export const word = 'fixed'`)
  await line('runs with fixed')
})

test('creating a missing file restarts the program', async () => {
  const { folder, write, line } = await watched()
  await line('runs with one')
  rmSync(join(folder, 'part.ts'))
  await line('Change a file to start it again.')
  write('part.ts', `export const word = 'back'`)
  await line('runs with back')
})

test('after a crash, a program that was ready waits for a change', async () => {
  const { write, line } = await watched()
  await line('runs with one')
  write(
    'part.ts',
    `export const word = 'crash'\nsetTimeout(() => { throw new Error('on purpose') }, 50)`,
  )
  await line('The worker ended (exit code 1): Error: on purpose. Change a file to start it again.')
  write('part.ts', `export const word = 'fixed'`)
  await line('runs with fixed')
})

test('stopping leaves no process, not even the standby', async () => {
  const { processes, line, end } = await watched()
  await line('runs with one')
  await expect.poll(() => processes.length).toBe(2)
  await end()
  await expect.poll(() => processes.filter(isRunning)).toEqual([])
})

test('child processes do not report their imports', async () => {
  const { line } = await watched({
    'main.ts': `${main}
setTimeout(() => console.log('reports:', process.env.WATCH_REPORT_DEPENDENCIES), 10)`,
  })
  await line('reports: undefined')
})
