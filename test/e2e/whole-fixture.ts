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
 * The whole of Searchlight as people meet it: built pages, a server process, a real browser;
 * workers when a test wants them.
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
    makePeople: () => makePeople(environment.DATABASE_URL, environment.AUTH_SECRET, url),
    async addWorker(): Promise<void> {
      workers.add(await startWorker(environment, 'inherit', project))
    },
    stopWorkers,
    /** Its connections stay open and silent, as those of a machine that hangs. */
    freezeServer: () => server.process.kill('SIGSTOP'),
    thawServer: () => server.process.kill('SIGCONT'),
    killServer: () => stopProcess(server.process, 'SIGKILL'),
    /** At the address where the browsers look for it. */
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

async function launch(): Promise<Browser> {
  const executablePath = await findChromium()
  if (executablePath === null)
    throw new Error('There is no browser; `npm test` finds or installs one.')
  const args = [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--disable-background-networking',
  ]
  return chromium.launch({ executablePath, args, timeout: hangs })
}

/** Resolves when it answers. */
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
      throw new Error(`The server ended with ${code} before it was ready`)
    }),
  ])
  return { process: child, url: message.url }
}

/**
 * A browser without cookies. Its pages show no endless animations: each frame would be drawn by the
 * processor.
 */
export async function openBrowser(whole: Whole): Promise<BrowserContext> {
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

/** A browser of somebody's own, signed in as them. */
export async function signIn(whole: Whole, email: string): Promise<BrowserContext> {
  const context = await openBrowser(whole)
  const page = await context.newPage()
  await page.goto('/sign-in')
  await fillSignIn(page, email, password)
  await page.waitForURL('/')
  await page.close()
  return context
}

export async function fillSignIn(page: Page, email: string, word: string): Promise<void> {
  await page.getByLabel('Email').fill(email)
  await page.getByLabel('Password').fill(word)
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

/** Fills in the form on the first page and starts the search; answers its job's id. */
export async function startSearch(page: Page, domain: string): Promise<string> {
  await page.getByRole('textbox', { name: 'Domain' }).fill(domain)
  await page.getByLabel('Limit').fill('10000')
  await page.getByRole('button', { name: 'Start search' }).click()
  await page.waitForURL(/\/jobs\//)
  return new URL(page.url()).pathname.replace('/jobs/', '')
}

/** As a program starts one; answers the job's id. */
export async function startByKey({ url }: Whole, key: string): Promise<string> {
  const { body } = await apiClient(url, key)('POST', '/api/jobs', {
    search: 'linking-domains',
    input: { domain: everybodysTarget },
  })
  return body.job.id
}

/**
 * What the page asks the server for, from now on. The socket is not among it: it was there before.
 */
export function recordRequests(page: Page): string[] {
  const requests: string[] = []
  page.on('request', (request) => requests.push(new URL(request.url()).pathname))
  return requests
}

/** What the page says over sockets that it opens from now on. */
export function recordQuestions(page: Page): string[] {
  const questions: string[] = []
  page.on('websocket', (socket) =>
    socket.on('framesent', ({ payload }) => questions.push(String(payload))),
  )
  return questions
}

/**
 * Every state that a job shows inside an element from now on, in order; answers how to read them.
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

/** Every status that the indicator shows from now on, in order; answers how to read them. */
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

/**
 * Whatever goes wrong inside the page; a test expects it to stay empty. Answers of the server that
 * say no are no such thing.
 */
export function recordMishaps(page: Page): string[] {
  const mishaps: string[] = []
  page.on('pageerror', (error) => mishaps.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      mishaps.push(message.text())
  })
  return mishaps
}
