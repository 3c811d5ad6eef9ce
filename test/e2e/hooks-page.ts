import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { BrowserContext, Page } from 'playwright'
import type { HooksPage } from './fixtures/hooks-page.tsx'
import { recordSentFrames } from './whole-fixture.ts'

/**
 * Opens a test page at the server's origin, so session and socket are real. It renders only the
 * live hooks, in StrictMode.
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
  const frames = recordSentFrames(page)
  let sockets = 0
  page.on('websocket', () => sockets++)
  // A real response of the server. From a document made by Playwright, Chromium refuses to open
  // sockets to the local network.
  await page.goto('/healthz')
  await page.addScriptTag({ content: outputFiles[0]?.text ?? '' })
  return {
    page,
    /** The frames of an event that the page has sent, as Socket.IO encodes them. */
    sent: (event: string) => frames.filter((frame) => frame.includes(`["${event}"`)),
    sockets: () => sockets,
    show: (components: Partial<HooksPage>) =>
      show(page, { watched: [], ownJobs: false, feed: null, ...components }),
  }
}

async function show(page: Page, components: HooksPage): Promise<void> {
  await page.evaluate(
    (shown) => (window as unknown as { show(page: HooksPage): Promise<void> }).show(shown),
    components,
  )
}
