/**
 * Measures the cost of a job's page in a browser while its rows arrive: a real server, rows written
 * as a worker writes them, and Chromium with the page open. Measures long tasks (which a person
 * feels), our scripts within them, and dropped frames.
 *
 * `ROWS=n` sets the number of rows, `ROUNDS=n` the number of rounds.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright'
import { v4 as uuid, v7 as uuidV7 } from 'uuid'
import { connectPostgres } from '#jobs/postgres/connect.ts'
import { startJob, writeRun } from '#jobs/redis/attempt.ts'
import { connectRedis } from '#jobs/redis/connect.ts'
import { createJob } from '#jobs/redis/create-job.ts'
import { renewEpochs } from '#jobs/redis/epoch.ts'
import type { JobStore } from '#jobs/redis/store.ts'
import { TrackedRun } from '#jobs/tracked-run.ts'
import { typescript } from '#local/run-child.ts'
import { buildPages } from '#scripts/build-pages.ts'
import { ensureChromium } from '#scripts/chromium.ts'
import { createAccount } from '#server/accounts/create-account.ts'
import { type Observations, readObservations, startObserving } from './browser/observe-page.ts'
import { log, median, rounds, spread, withServices } from './measure.ts'

interface Measurement extends Omit<Observations, 'shownAt'> {
  /** From the first write until the table shows every row. */
  shownMs: number
}

const rowCount = Number(process.env.ROWS ?? 10_000)

/** How fast the rows arrive, and how the person uses the table meanwhile. */
const scenarios: { name: string; overMs: number; sortBy?: string; scrolling?: boolean }[] = [
  { name: 'as fast as they are written', overMs: 0 },
  { name: 'over 5 s', overMs: 5_000 },
  { name: 'over 5 s, sorted by a text', overMs: 5_000, sortBy: 'Top anchor' },
  { name: 'over 5 s, while scrolling', overMs: 5_000, scrolling: true },
]

async function measure(
  scenario: (typeof scenarios)[number],
  context: BrowserContext,
  userId: string,
  store: JobStore,
): Promise<Measurement> {
  const job = { id: `0-${uuidV7()}`, userId, search: 'linking-domains' }
  await createJob(
    { ...job, input: { domain: 'example.org' }, createdAt: new Date() },
    { inAll: 10_000, perUser: null },
    store,
  )
  await startJob({ ...job, number: 1, token: 't', worker: 'bench:1' }, store)
  const run = new TrackedRun(1, {
    write: (write) => writeRun(job, write, store),
    onRefused() {},
    signal: new AbortController().signal,
  })
  const page = await context.newPage()
  await page.goto(`/jobs/${job.id}`)
  await page.locator('[data-connection="live"]').waitFor()
  await run.add(rowOf(0))
  await page.locator('table[aria-rowcount]').waitFor()
  if (scenario.sortBy) await page.getByRole('button', { name: scenario.sortBy }).click()
  await startObserving(page, rowCount)

  const stopScrolling = scenario.scrolling ? scroll(page) : null
  const startedAt = Date.now()
  for (let i = 1; i < rowCount; i++) {
    await run.add(rowOf(i))
    const aheadMs = (i / rowCount) * scenario.overMs - (Date.now() - startedAt)
    if (i % 100 === 0) await delay(Math.max(0, aheadMs))
  }
  await run.complete()
  await page.locator(`table[aria-rowcount="${rowCount + 1}"]`).waitFor({ timeout: 300_000 })
  await page.locator('main [data-job-state="complete"]').waitFor()
  await stopScrolling?.()
  const { shownAt, ...observed } = await readObservations(page)
  await page.close()
  return { ...observed, shownMs: shownAt - startedAt }
}

/** Scrolls down and up over the table. @returns stops it */
function scroll(page: Page): () => Promise<void> {
  let stopped = false
  const scrolling = (async () => {
    await page.locator('table').hover()
    for (let i = 0; !stopped; i++) await page.mouse.wheel(0, i % 40 < 30 ? 240 : -400)
  })()
  return () => {
    stopped = true
    return scrolling
  }
}

const anchors = [
  'an example',
  'read more',
  'the documentation of it',
  'homepage',
  'source',
  'as described here',
  'Example',
]

/** A row in the shape of a search for linking domains. */
function rowOf(i: number) {
  return {
    site: `site-${(i * 7_919) % 1_000_003}.example.com`,
    links: 1 + ((i * 31) % 900),
    linking_pages: 1 + ((i * 17) % 300),
    target_pages: 1 + (i % 40),
    follow_links: (i * 13) % 700,
    top_anchor: `${anchors[i % anchors.length]} ${(i * 37) % 997}`,
    anchors: 1 + (i % 12),
    first_seen: `2025-0${1 + (i % 9)}-1${i % 10}`,
    last_seen: `2026-0${1 + (i % 9)}-1${i % 10}`,
    rank: 1 + i,
    sample_url: `https://site-${(i * 7_919) % 1_000_003}.example.com/articles/${i}/how-we-did-it`,
  }
}

async function startServer(
  environment: Record<string, string>,
): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(process.execPath, typescript('server/main.ts'), {
    env: { ...process.env, ...environment, NODE_ENV: 'production' },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const [{ url }] = await once(child, 'message')
  return { child, url }
}

async function signIn(
  browser: Browser,
  url: string,
  account: { email: string; password: string },
): Promise<BrowserContext> {
  const context = await browser.newContext({ baseURL: url, viewport: { width: 1440, height: 900 } })
  await context.request.post('/api/auth/sign-in/email', { data: account, headers: { origin: url } })
  return context
}

await buildPages({ say: (sentence) => console.log(sentence) })
const executablePath = await ensureChromium((sentence) => console.log(sentence))
await withServices(async ({ redis: redisUrl, database }) => {
  const indexDir = mkdtempSync(join(tmpdir(), 'searchlight-bench-index-'))
  const secret = 'a secret of this benchmark alone, 32 or more'
  const { child, url } = await startServer({
    REDIS_URL: redisUrl,
    DATABASE_URL: database,
    AUTH_SECRET: secret,
    INDEX_DIR: indexDir,
    LOG_LEVEL: 'fatal',
    PORT: '0',
  })
  const redis = connectRedis(redisUrl, { name: 'bench', log, retries: null })
  const store: JobStore = { redis, namespace: 'sl', shards: 1 }
  const postgres = connectPostgres(database, { name: 'bench' })
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] })
  try {
    await renewEpochs(uuid, store)
    const account = { email: 'bench@example.com', password: 'correct horse battery' }
    const deps = { db: postgres.db, settings: { secret, publicUrl: url } }
    const measured = new Map(scenarios.map(({ name }) => [name, [] as Measurement[]]))
    for (let round = 0; round < rounds(5); round++) {
      for (const scenario of scenarios) {
        // A user can run one job of a type at a time, so each job has its own user.
        const newAccount = { ...account, email: `${uuid()}@example.com` }
        const { userId } = await createAccount({ ...newAccount, role: 'user' }, deps)
        const context = await signIn(browser, url, newAccount)
        measured.get(scenario.name)?.push(await measure(scenario, context, userId, store))
        await context.close()
      }
    }
    report(measured)
  } finally {
    await browser.close()
    child.kill()
    await once(child, 'exit')
    redis.disconnect()
    await postgres.close()
    rmSync(indexDir, { recursive: true, force: true })
  }
})

function report(measured: Map<string, Measurement[]>): void {
  console.log(
    `${rowCount} rows into an open page, ${measured.values().next().value?.length} rounds: median (min–max); 0 if nothing took 50 ms`,
  )
  for (const [name, results] of measured) {
    const of = (fact: keyof Measurement) => results.map((result) => result[fact])
    console.log(`\n${name}`)
    console.log(`  longest task, ms                     ${spread(of('longestTask'))}`)
    console.log(
      `  tasks over 50 ms / over 100 ms       ${median(of('tasksOver50'))} / ${median(of('tasksOver100'))}`,
    )
    console.log(`  longest run of our script, ms        ${spread(of('longestScript'))}`)
    console.log(
      `  runs over 50 ms / over 100 ms        ${median(of('scriptsOver50'))} / ${median(of('scriptsOver100'))}`,
    )
    console.log(`  our scripts in long frames, ms       ${spread(of('scriptMs'))}`)
    console.log(`  frames dropped                       ${spread(of('framesDropped'))}`)
    console.log(`  until all rows are shown, ms         ${spread(of('shownMs'))}`)
  }
}
