/**
 * What a job's page costs a browser while its rows arrive: a real server, rows written as a worker
 * writes them, and Chromium with the page open. Three things are told apart: long tasks (what a
 * person feels), the scripts within them (ours), and frames that were not painted.
 *
 * `ROWS=n` sets how many rows arrive, `ROUNDS=n` how often.
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
import { log, median, rounds, spread, withServices } from './measure.ts'

const rowCount = Number(process.env.ROWS ?? 10_000)

/** How the rows come, and what the person who looks at them has done. */
const scenarios: { name: string; overMs: number; sortBy?: string; scrolling?: boolean }[] = [
  { name: 'as fast as they are written', overMs: 0 },
  { name: 'over 5 s', overMs: 5_000 },
  { name: 'over 5 s, sorted by a text', overMs: 5_000, sortBy: 'Top anchor' },
  { name: 'over 5 s, while scrolling', overMs: 5_000, scrolling: true },
]

interface Seen {
  longestTask: number
  tasksOver50: number
  tasksOver100: number
  /** Of a task, the longest that our scripts ran in it. */
  longestScript: number
  scriptsOver50: number
  scriptsOver100: number
  framesDropped: number
  /** All of our scripts together. */
  scriptMs: number
  /** From the first write until the table has every row. */
  shownMs: number
}

async function measure(
  scenario: (typeof scenarios)[number],
  context: BrowserContext,
  userId: string,
  store: JobStore,
): Promise<Seen> {
  const job = { id: `0-${uuidV7()}`, userId, search: 'linking-domains' }
  await createJob(
    { ...job, input: { domain: 'example.org' }, createdAt: new Date() },
    { inAll: 10_000, perUser: null },
    store,
  )
  await startJob({ ...job, number: 1, token: 't', worker: 'bench:1' }, new Date(), store)
  const run = new TrackedRun(1, {
    write: (write) => writeRun(job, write, store),
    now: () => new Date(),
    onRefused() {},
    signal: new AbortController().signal,
  })
  const page = await context.newPage()
  await page.goto(`/jobs/${job.id}`)
  await page.locator('[data-connection="live"]').waitFor()
  await run.add(rowOf(0))
  await page.locator('table[aria-rowcount]').waitFor()
  if (scenario.sortBy) await page.getByRole('button', { name: scenario.sortBy }).click()
  await startWatching(page, rowCount)

  const stopScrolling = scenario.scrolling ? scroll(page) : null
  const began = Date.now()
  for (let i = 1; i < rowCount; i++) {
    await run.add(rowOf(i))
    const ahead = (i / rowCount) * scenario.overMs - (Date.now() - began)
    if (i % 100 === 0) await delay(Math.max(0, ahead))
  }
  await run.complete()
  await page.locator(`table[aria-rowcount="${rowCount + 1}"]`).waitFor({ timeout: 300_000 })
  await page.locator('main [data-job-state="complete"]').waitFor()
  await stopScrolling?.()
  const seen = await stopWatching(page)
  await page.close()
  return { ...seen, shownMs: seen.shownAt - began }
}

/** Looks from within the page, from now on. */
async function startWatching(page: Page, rows: number): Promise<void> {
  // tsx names functions by a helper of its own, which is not in the page.
  await page.evaluate('globalThis.__name = (named) => named')
  await page.evaluate((rows) => {
    const seen = {
      tasks: [] as number[],
      scripts: [] as number[],
      scriptMs: 0,
      frames: [] as number[],
      shownAt: 0,
    }
    Object.assign(window, { seen })
    new PerformanceObserver((list) => {
      for (const { duration } of list.getEntries()) seen.tasks.push(duration)
    }).observe({ type: 'longtask' })
    new PerformanceObserver((list) => {
      for (const frame of list.getEntries() as unknown as {
        scripts: { duration: number; sourceURL: string; startTime: number }[]
      }[]) {
        const ours = frame.scripts.filter(({ sourceURL }) => sourceURL.includes('/_next/'))
        for (const { duration } of ours) seen.scripts.push(duration)
        seen.scriptMs += ours.reduce((sum, { duration }) => sum + duration, 0)
      }
    }).observe({ type: 'long-animation-frame' })
    let before = performance.now()
    const frame = (now: number) => {
      seen.frames.push(now - before)
      before = now
      requestAnimationFrame(frame)
    }
    requestAnimationFrame(frame)
    new MutationObserver(() => {
      if (seen.shownAt === 0 && document.querySelector(`table[aria-rowcount="${rows + 1}"]`))
        seen.shownAt = Date.now()
    }).observe(document.body, {
      subtree: true,
      attributes: true,
      attributeFilter: ['aria-rowcount'],
    })
  }, rows)
}

async function stopWatching(page: Page): Promise<Omit<Seen, 'shownMs'> & { shownAt: number }> {
  const seen = await page.evaluate(async () => {
    // The observers are told of a task after its end.
    await new Promise((resolve) => setTimeout(resolve, 200))
    return (
      window as unknown as {
        seen: {
          tasks: number[]
          scripts: number[]
          scriptMs: number
          frames: number[]
          shownAt: number
        }
      }
    ).seen
  })
  const over = (values: number[], ms: number) => values.filter((value) => value > ms).length
  const frameMs = 1000 / 60
  return {
    longestTask: Math.max(0, ...seen.tasks),
    tasksOver50: over(seen.tasks, 50),
    tasksOver100: over(seen.tasks, 100),
    longestScript: Math.max(0, ...seen.scripts),
    scriptsOver50: over(seen.scripts, 50),
    scriptsOver100: over(seen.scripts, 100),
    framesDropped: seen.frames.reduce(
      (sum, ms) => sum + Math.max(0, Math.round(ms / frameMs) - 1),
      0,
    ),
    scriptMs: seen.scriptMs,
    shownAt: seen.shownAt,
  }
}

/** Wheels down and up over the table until it is told to stop. */
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

/** As a search for linking domains finds them. */
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
    const seen = new Map(scenarios.map(({ name }) => [name, [] as Seen[]]))
    for (let round = 0; round < rounds(5); round++) {
      for (const scenario of scenarios) {
        // One job of a type at a time: each has a person of its own.
        const own = { ...account, email: `${uuid()}@example.com` }
        const { userId } = await createAccount({ ...own, role: 'user' }, deps)
        const context = await signIn(browser, url, own)
        seen.get(scenario.name)?.push(await measure(scenario, context, userId, store))
        await context.close()
      }
    }
    report(seen)
  } finally {
    await browser.close()
    child.kill()
    await once(child, 'exit')
    redis.disconnect()
    await postgres.close()
    rmSync(indexDir, { recursive: true, force: true })
  }
})

function report(seen: Map<string, Seen[]>): void {
  console.log(
    `${rowCount} rows into an open page, ${seen.values().next().value?.length} rounds: median (least–most); 0 where nothing took 50 ms`,
  )
  for (const [name, all] of seen) {
    const of = (fact: keyof Seen) => all.map((one) => one[fact])
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
