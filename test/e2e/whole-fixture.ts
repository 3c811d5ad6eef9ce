import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright'
import { typescript } from '#local/run-child.ts'
import { buildPages } from '#scripts/build-pages.ts'
import { findChromium } from '#scripts/chromium.ts'
import { program } from '../programs.ts'
import { buildIndexOfManyShards, everybodysTarget } from '../searches/many-shards.ts'
import {
  apiClient,
  makePeople,
  password,
  root,
  startWorker,
  stopProcess,
  testEnvironment,
} from '../server/server-fixture.ts'

/** How long an action or a wait in a page may take: on a busy machine, minutes. */
const hangs = 600_000

/**
 * Starts a complete Searchlight: built pages, a server process and a real browser. Tests add workers
 * when they need them.
 */
export async function startWhole(
  index: { shards: number; sites: number } = { shards: 512, sites: 2_000 },
  project = root,
) {
  await buildPages({ say: () => {} })
  const indexDir = await mkdtemp(join(tmpdir(), 'searchlight-e2e-'))
  const { sites } = await buildIndexOfManyShards(indexDir, index)
  const { environment, drop } = await testEnvironment(indexDir)
  const browser = await launch()
  const workers = new Set<ChildProcess>()
  let server = await startServerProcess(environment, project)
  const { url } = server

  async function stopWorkers(): Promise<void> {
    await Promise.all([...workers].map((worker) => stopProcess(worker, 'SIGKILL')))
    workers.clear()
  }

  return {
    url,
    sites,
    browser,
    redisPrefix: environment.REDIS_PREFIX,
    makePeople: () => makePeople(environment.DATABASE_URL, environment.AUTH_SECRET, url),
    async addWorker(): Promise<void> {
      workers.add(await startWorker(environment, 'inherit', project))
    },
    stopWorkers,
    /** Their searches stay running however long the test takes. */
    freezeWorkers() {
      for (const worker of workers) worker.kill('SIGSTOP')
    },
    thawWorkers() {
      for (const worker of workers) worker.kill('SIGCONT')
    },
    /** Stops responding but keeps its connections open, like a machine that hangs. */
    freezeServer: () => server.process.kill('SIGSTOP'),
    thawServer: () => server.process.kill('SIGCONT'),
    killServer: () => stopProcess(server.process, 'SIGKILL'),
    /** On the same port as before, so that the browsers find it. */
    async startServerAgain(): Promise<void> {
      server = await startServerProcess({ ...environment, PORT: new URL(url).port }, project)
    },
    async stop(): Promise<void> {
      await browser.close()
      await stopWorkers()
      await stopProcess(server.process)
      await drop()
      await rm(indexDir, { recursive: true })
    },
  }
}

export type Whole = Awaited<ReturnType<typeof startWhole>>

export async function launch(): Promise<Browser> {
  const executablePath = await findChromium()
  if (executablePath === null)
    throw new Error('No browser found. Run `npm test`, which finds or installs one.')
  const args = [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--disable-background-networking',
  ]
  return chromium.launch({ executablePath, args, timeout: hangs })
}

/** Resolves once the server is ready. */
async function startServerProcess(
  environment: Record<string, string>,
  project: string,
): Promise<{ process: ChildProcess; url: string }> {
  const args = project === root ? await program('server/main.ts') : typescript('server/main.ts')
  const child = spawn(process.execPath, args, {
    cwd: project,
    env: { ...process.env, ...environment, NODE_ENV: 'production' },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const [message] = await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(([code]) => {
      throw new Error(`The server exited with ${code} before it was ready`)
    }),
  ])
  return { process: child, url: message.url }
}

/**
 * A browser context without cookies. Its pages show no endless animations: the processor would draw
 * each frame.
 */
export async function openBrowser(whole: Pick<Whole, 'browser' | 'url'>): Promise<BrowserContext> {
  const context = await whole.browser.newContext({
    baseURL: whole.url,
    viewport: { width: 1280, height: 800 },
  })
  context.setDefaultTimeout(hangs)
  await context.addInitScript(() => {
    const still = new CSSStyleSheet()
    still.replaceSync('*, ::before, ::after { animation: none !important }')
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, still]
  })
  return context
}

/** A separate browser context, signed in as this user. */
export async function signIn(
  whole: Pick<Whole, 'browser' | 'url'>,
  email: string,
): Promise<BrowserContext> {
  const context = await openBrowser(whole)
  const page = await context.newPage()
  await page.goto('/sign-in')
  await fillSignIn(page, email, password)
  await page.waitForURL('/')
  await page.close()
  return context
}

export async function fillSignIn(page: Page, email: string, secret: string): Promise<void> {
  await page.getByLabel('Email').fill(email)
  await page.getByLabel('Password').fill(secret)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

/** Opens a page and waits until it is live. */
export async function openLive(context: BrowserContext, path: string): Promise<Page> {
  const page = await context.newPage()
  await page.goto(path)
  await untilLive(page)
  return page
}

export async function untilLive(page: Page): Promise<void> {
  await page.locator('[data-connection="live"]').waitFor()
}

/**
 * Fills in the form on the home page and starts the search.
 * @returns the job's id
 */
export async function startSearch(page: Page, domain: string): Promise<string> {
  await page.getByRole('textbox', { name: 'Domain' }).fill(domain)
  await page.getByLabel('Limit').fill('10000')
  await page.getByRole('button', { name: 'Start search' }).click()
  await page.waitForURL(/\/jobs\//)
  return new URL(page.url()).pathname.replace('/jobs/', '')
}

/**
 * Starts a search through the API.
 * @returns the job's id
 */
export async function startByKey({ url }: Whole, key: string): Promise<string> {
  const { body } = await apiClient(url, key)('POST', '/api/jobs', {
    search: 'linking-domains',
    input: { domain: everybodysTarget },
  })
  return body.job.id
}

/** The paths of all HTTP requests of the page from now on. */
export function recordRequests(page: Page): string[] {
  const requests: string[] = []
  page.on('request', (request) => requests.push(new URL(request.url()).pathname))
  return requests
}

/** All frames that the page sends over sockets opened from now on. */
export function recordSentFrames(page: Page): string[] {
  const frames: string[] = []
  page.on('websocket', (socket) =>
    socket.on('framesent', ({ payload }) => frames.push(String(payload))),
  )
  return frames
}

/**
 * Records each job state that an element shows from now on, in order.
 * @returns a function that reads the record
 */
export async function recordStates(page: Page, within: string): Promise<() => Promise<string[]>> {
  const seen = await page.evaluateHandle((selector) => {
    const states: string[] = []
    const look = () => {
      const state = document
        .querySelector(`${selector} [data-job-state]`)
        ?.getAttribute('data-job-state')
      if (state && state !== states.at(-1)) states.push(state)
    }
    look()
    new MutationObserver(look).observe(document.body, {
      subtree: true,
      childList: true,
      attributes: true,
    })
    return states
  }, within)
  return () => seen.jsonValue()
}

/**
 * Records each status of the connection indicator from now on, in order.
 * @returns a function that reads the record
 */
export async function recordStatuses(page: Page): Promise<() => Promise<string[]>> {
  const seen = await page.evaluateHandle(() => {
    const statuses: string[] = []
    const look = () => {
      const status = document.querySelector('[data-connection]')?.getAttribute('data-connection')
      if (status && status !== statuses.at(-1)) statuses.push(status)
    }
    look()
    new MutationObserver(look).observe(document.body, {
      subtree: true,
      attributeFilter: ['data-connection'],
    })
    return statuses
  })
  return () => seen.jsonValue()
}

/** Exceptions and console errors of the page from now on. HTTP error responses don't count. */
export function recordPageErrors(page: Page): string[] {
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      errors.push(message.text())
  })
  return errors
}
