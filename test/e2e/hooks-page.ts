import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { BrowserContext, Page } from 'playwright'
import type { HooksPage } from './fixtures/hooks-page.tsx'
import { recordQuestions } from './whole-fixture.ts'

/**
 * A page of the tests' own at the server's origin, so that session and socket are real: nothing but
 * the hooks, in StrictMode.
 */
export async function openHooksPage(context: BrowserContext) {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('fixtures/hooks-page.tsx', import.meta.url))],
    bundle: true,
    write: false,
    define: { 'process.env.NODE_ENV': '"development"' },
    logLevel: 'error',
  })
  const page = await context.newPage()
  const questions = recordQuestions(page)
  let sockets = 0
  page.on('websocket', () => sockets++)
  // A document that the server itself sent: to one of Playwright's making, Chromium refuses sockets
  // on the machine's own network.
  await page.goto('/healthz')
  await page.addScriptTag({ content: outputFiles[0]?.text ?? '' })
  return {
    page,
    /** What was said over sockets, as Socket.IO frames them. */
    said: (event: string) => questions.filter((question) => question.includes(`["${event}"`)),
    sockets: () => sockets,
    show: (wish: Partial<HooksPage>) =>
      show(page, { watched: [], mine: false, feed: null, ...wish }),
  }
}

async function show(page: Page, wish: HooksPage): Promise<void> {
  await page.evaluate(
    (wish) => (window as unknown as { show(page: HooksPage): Promise<void> }).show(wish),
    wish,
  )
}
