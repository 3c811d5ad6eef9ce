import type { BrowserContext, Page, WebSocketRoute } from 'playwright'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { everybodysTarget } from '../searches/many-shards.ts'
import { openHooksPage } from './hooks-page.ts'
import {
  openLive,
  recordStatuses,
  signIn,
  startByKey,
  startSearch,
  startWhole,
  untilLive,
  type Whole,
} from './whole-fixture.ts'

let whole: Whole
let admin: BrowserContext
let user: BrowserContext
let people: Awaited<ReturnType<Whole['makePeople']>>

beforeAll(async () => {
  whole = await startWhole({ shards: 64, sites: 300 })
  people = await whole.makePeople()
  admin = await signIn(whole, 'admin@example.com')
  user = await signIn(whole, 'user@example.com')
})
afterEach(async () => {
  for (const page of [...(admin?.pages() ?? []), ...(user?.pages() ?? [])]) await page.close()
})
afterAll(() => whole?.stop())

const untilStatus = (page: Page, status: string) =>
  page.locator(`[data-connection="${status}"]`).waitFor()

test('after a server restart one request resumes all watches and the page catches up', async () => {
  const ids = [await startByKey(whole, people.user.key), await startByKey(whole, people.other.key)]
  const { page, sent, show } = await openHooksPage(admin)
  await show({ watched: ids, feed: { search: 'linking-domains' } })
  await untilLive(page)
  await page.locator('[data-feed="true"]').waitFor()
  const statuses = await recordStatuses(page)
  const watchesBefore = sent('watch').length

  await whole.killServer()
  await untilStatus(page, 'reconnecting')
  // The searches run while the page is still disconnected.
  await whole.addWorker()
  await whole.startServerAgain()
  await untilLive(page)
  expect(await statuses()).toEqual(['live', 'reconnecting', 'live'])
  const since = (id: string) => `{"id":"${id}","since":{"epoch":"[^"]+","seq":\\d+}}`
  expect(sent('watch').slice(watchesBefore)).toEqual([
    expect.stringMatching(
      `\\["watch",{"jobs":\\[${ids.map(since).join(',')}\\],"patches":true}\\]$`,
    ),
  ])
  expect(sent('feed:open').at(-1)).toContain('{"filter":{"search":"linking-domains"}}')
  for (const id of ids)
    await page.locator(`[data-watched="${id}"]`).getByText('complete 300 rows').waitFor()
  await page.locator('[data-feed]').getByText('complete complete').waitFor()
  await whole.stopWorkers()
})

test('after a long outage the page shows offline, then recovers by itself', async () => {
  const page = await openLive(user, '/')
  const statuses = await recordStatuses(page)
  await whole.killServer()
  await untilStatus(page, 'offline')
  await whole.startServerAgain()
  await untilLive(page)
  expect(await statuses()).toEqual(['live', 'reconnecting', 'offline', 'reconnecting', 'live'])
})

test('without a network the page shows offline at once and recovers with the network', async () => {
  const page = await openLive(user, '/')
  await user.setOffline(true)
  await untilStatus(page, 'offline')
  await user.setOffline(false)
  await untilLive(page)
})

test('the page notices an unresponsive server on an open connection', async () => {
  const page = await openLive(user, '/')
  whole.freezeServer()
  try {
    await untilStatus(page, 'reconnecting')
  } finally {
    whole.thawServer()
  }
  await untilLive(page)
})

/**
 * Intercepts the sockets of a page.
 * @param pass gets each message of the server; returns what to pass on, or null to drop it
 * @returns the sockets that the page has opened so far
 */
async function interceptSockets(
  page: Page,
  pass: (message: string, toPage: WebSocketRoute, opened: number) => string | null,
) {
  const opened: WebSocketRoute[] = []
  await page.routeWebSocket(/\/socket\.io\//, (toPage) => {
    const number = opened.push(toPage)
    toPage.connectToServer().onMessage((message) => {
      const passed = pass(String(message), toPage, number)
      if (passed !== null) toPage.send(passed)
    })
  })
  return opened
}

const isAcknowledgement = (message: string) => /^43\d+\[/.test(message)

test('an unanswered request is repeated over a new connection before the page is live', async () => {
  const page = await user.newPage()
  const opened = await interceptSockets(page, (message, _, number) =>
    number === 1 && isAcknowledgement(message) ? null : message,
  )
  await page.goto('/')
  const statuses = await recordStatuses(page)
  await untilLive(page)
  expect(opened).toHaveLength(2)
  expect(await statuses()).toEqual(['connecting', 'live'])
})

test('the page is not live while the server answers with errors', async () => {
  const page = await user.newPage()
  const failure = JSON.stringify([
    { error: { code: 'internal', message: 'Redis is out of reach.' } },
  ])
  let failed = 0
  await interceptSockets(page, (message) => {
    if (!isAcknowledgement(message) || failed === 2) return message
    failed++
    return message.replace(/\[.*$/s, failure)
  })
  await page.goto('/')
  await untilLive(page)
  expect(failed).toBe(2)
})

test('a page reacts when its account loses access', async () => {
  const context = await signIn(whole, 'admin@example.com')
  const page = await context.newPage()
  const [opened, id] = [
    await interceptSockets(page, (message) => message),
    await startByKey(whole, people.admin.key),
  ]
  const revoke = (frame: object) => opened.at(-1)?.send(`42${JSON.stringify(['revoked', frame])}`)
  await page.goto(`/jobs/${id}`)
  await untilLive(page)
  revoke({ id, code: 'not_found' })
  await page.getByRole('heading', { name: 'Search not found' }).waitFor()

  await page.goto('/admin?state=new')
  await untilLive(page)
  const reloaded = page.waitForEvent('load')
  revoke({ code: 'forbidden' })
  await reloaded
  await untilLive(page)

  await context.clearCookies()
  revoke({ code: 'unauthenticated' })
  await page.waitForURL(`/sign-in?next=${encodeURIComponent('/admin?state=new')}`)
  await context.close()
})

test('an ended session leads to the sign-in page on the next connection', async () => {
  const context = await signIn(whole, 'other@example.com')
  const page = await openLive(context, '/')
  await context.clearCookies()
  await whole.killServer()
  await whole.startServerAgain()
  await page.waitForURL('/sign-in?next=%2F')
  await context.close()
})

test('deleting an ended search closes its page in another tab', async () => {
  const page = await openLive(user, '/')
  const id = await startSearch(page, everybodysTarget)
  await page.getByRole('button', { name: 'Cancel' }).click()
  await page.locator('main [data-job-state="cancelled"]').waitFor()
  const other = await openLive(user, `/jobs/${id}`)
  await page.getByRole('button', { name: 'Delete' }).click()
  await page.getByRole('alertdialog').getByRole('button', { name: 'Delete' }).click()
  await other.getByRole('heading', { name: 'Search not found' }).waitFor()
  await page.waitForURL('/')
})
