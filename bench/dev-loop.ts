/**
 * Measures how soon a change takes effect under `npm run dev`: a label in an open page, the worker,
 * the server. Changes files of this project and restores them, even on Ctrl-C. Fails above the
 * limits.
 *
 * `ROUNDS=n` sets how often each file is changed.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { chromium, type Page } from 'playwright'
import { projectDir } from '#local/data-dir.ts'
import { freePort } from '#local/services/free-port.ts'
import { ensureChromium } from '#scripts/chromium.ts'
import { createBuilds } from '#webindex/build/build-index.ts'
import { median, rounds, spread } from './measure.ts'

/** Developers read the result before the next change; by then the standby process is ready. */
const pauseMs = 5_000
const timeoutMs = 180_000

interface Case {
  name: string
  file: string
  limitSeconds: number | null
  /** Makes a change. Resolves when its effect is visible. */
  change(round: number, seen: Seen): Promise<unknown>
}

interface Seen {
  page: Page
  /** Waits for a new log line that includes the given part. */
  line(part: string): Promise<void>
}

const label = (file: string, words: string, limitSeconds: number, kind: string): Case => ({
  name: `a label of a ${kind} component, in the browser`,
  file,
  limitSeconds,
  change(round, { page }) {
    const text = `${words} ${round}`
    edit(file, (source) => {
      if (!source.includes(words)) throw new Error(`${file} no longer contains “${words}”`)
      return source.replace(words, text)
    })
    return page.getByText(text).waitFor({ timeout: timeoutMs })
  },
})

const restart = (file: string, name: string, limitSeconds: number | null, ...lines: string[]) => ({
  name,
  file,
  limitSeconds,
  change(round: number, { line }: Seen) {
    const seen = Promise.all(lines.map(line))
    edit(file, (source) => `${source}// dev-loop ${round}\n`)
    return seen
  },
})

const cases: Case[] = [
  label('app/sign-in/first-account-form.tsx', 'Create account', 2, 'client'),
  label('app/sign-in/page.tsx', 'Welcome to Searchlight', 2, 'server'),
  restart('workers/run-job.ts', 'a file of the worker', 3, 'Ready for searches'),
  restart('crawler/robots.ts', 'a file of the crawler', 3, 'Ready for searches'),
  restart('jobs/redis/keys.ts', 'a file of both', null, 'Ready for searches', 'Ready at'),
  restart('server/listen.ts', 'a file of the server', null, 'Ready at'),
]

const originals = new Map<string, string>()

function edit(file: string, change: (source: string) => string): void {
  const path = join(projectDir, file)
  const source = originals.get(path) ?? readFileSync(path, 'utf8')
  originals.set(path, source)
  writeFileSync(path, change(source))
}

function restore(): void {
  for (const [path, source] of originals) writeFileSync(path, source)
  originals.clear()
}

async function buildSmallIndex(dir: string): Promise<void> {
  async function* items() {
    const page = { url: 'https://example.com/', title: 'Example', text: '', words: 0, links: [] }
    yield { page: { ...page, seenAt: new Date(), source: 'example' } }
  }
  const source = { name: 'example', kind: 'html' as const, bytes: null, items }
  await createBuilds({ dir, shards: 1, now: () => new Date() }).add(source, {
    signal: new AbortController().signal,
  })
}

function startDev(dataDir: string, port: number) {
  const child = spawn(process.execPath, ['scripts/run.js', 'dev'], {
    cwd: projectDir,
    env: { ...process.env, DATA_DIR: dataDir, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'inherit'],
    // Ctrl-C reaches only us, so that we restore the files first.
    detached: true,
  })
  const waiting = new Set<(line: string) => void>()
  const log: string[] = []
  createInterface({ input: child.stdout }).on('line', (line) => {
    log.push(line)
    for (const take of waiting) take(line)
  })
  const line = (part: string) =>
    new Promise<void>((resolve, reject) => {
      const settle = (act: () => void) => {
        waiting.delete(take)
        clearTimeout(timer)
        act()
      }
      const take = (text: string) => text.includes(part) && settle(resolve)
      const timer = setTimeout(
        () =>
          settle(() =>
            reject(new Error(`“${part}” is not in the log:\n${log.slice(-40).join('\n')}`)),
          ),
        timeoutMs,
      )
      waiting.add(take)
    })
  return { child, line }
}

async function stopDev(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  await ended
}

async function measure(seen: Seen): Promise<boolean> {
  let withinLimits = true
  for (const { name, file, limitSeconds, change } of cases) {
    const seconds: number[] = []
    for (let round = 1; round <= rounds(5); round++) {
      await delay(pauseMs)
      const changedAt = performance.now()
      await change(round, seen)
      seconds.push((performance.now() - changedAt) / 1_000)
    }
    const failed = limitSeconds !== null && median(seconds) > limitSeconds
    if (failed) withinLimits = false
    const limit = limitSeconds === null ? '' : `, at most ${limitSeconds}`
    console.log(`${name} (${file}), s: ${spread(seconds, 2)}${limit}${failed ? ': too slow' : ''}`)
    await delay(pauseMs)
    restore()
  }
  return withinLimits
}

const dataDir = mkdtempSync(join(tmpdir(), 'searchlight-bench-'))
chmodSync(dataDir, 0o711) // If we are root, PostgreSQL runs as another user, who must enter.
const port = await freePort()
const executablePath = await ensureChromium((sentence) => console.log(sentence))
await buildSmallIndex(join(dataDir, 'index'))
const { child, line } = startDev(dataDir, port)
const stopAll = async () => {
  restore()
  await stopDev(child)
  rmSync(dataDir, { recursive: true, force: true })
}
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => stopAll().finally(() => process.exit(130)))
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] })
try {
  const startedAt = performance.now()
  await line('Searchlight is ready')
  console.log(`npm run dev is ready, s: ${((performance.now() - startedAt) / 1_000).toFixed(2)}`)
  const page = await browser.newPage()
  const hotReload = page.waitForEvent('console', {
    predicate: (message) => message.text().includes('[HMR] connected'),
    timeout: timeoutMs,
  })
  await page.goto(`http://localhost:${port}/sign-in`, { timeout: timeoutMs })
  await hotReload
  console.log(`first page, s: ${((performance.now() - startedAt) / 1_000).toFixed(2)}`)
  if (!(await measure({ page, line }))) process.exitCode = 1
} finally {
  await browser.close()
  await stopAll()
}
