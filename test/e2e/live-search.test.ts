import type { BrowserContext } from 'playwright'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { jobIn, openStore } from '../jobs/job-fixture.ts'
import { everybodysTarget } from '../searches/many-shards.ts'
import { runByHand } from '../server/live/live-environment.ts'
import { apiClient } from '../server/server-fixture.ts'
import {
  openLive,
  recordPageErrors,
  recordRequests,
  recordSentFrames,
  recordStates,
  signIn,
  startByKey,
  startSearch,
  startWhole,
  untilLive,
  type Whole,
} from './whole-fixture.ts'

let whole: Whole
let user: BrowserContext
let admin: BrowserContext
let people: Awaited<ReturnType<Whole['makePeople']>>

beforeAll(async () => {
  whole = await startWhole()
  people = await whole.makePeople()
  user = await signIn(whole, 'user@example.com')
  admin = await signIn(whole, 'admin@example.com')
})
afterEach(async () => {
  await whole.stopWorkers()
  for (const page of [...user.pages(), ...admin.pages()]) await page.close()
})
afterAll(() => whole.stop())

const count = (rows: number) => rows.toLocaleString('en')

test('owner and admin see a search go from queued to complete without any page request', async () => {
  const home = await openLive(user, '/')
  const feed = await openLive(admin, '/admin')
  const page = await openLive(user, '/')
  const pageErrors = [page, home, feed].map(recordPageErrors)
  const id = await startSearch(page, everybodysTarget)
  await page.locator('[data-job-state="new"]').waitFor()
  const line = `[data-job="${id}"]`
  await Promise.all(
    [home, feed].map((list) => list.locator(`${line} [data-job-state="new"]`).waitFor()),
  )

  const requests = [page, home, feed].map(recordRequests)
  const states = await Promise.all([
    recordStates(page, 'main'),
    recordStates(home, line),
    recordStates(feed, line),
  ])
  await whole.addWorker()
  await Promise.all(
    [page, home, feed].map((each) =>
      each.locator(`${each === page ? '' : line} [data-job-state="complete"]`).waitFor(),
    ),
  )

  for (const seen of states) expect(await seen()).toEqual(['new', 'running', 'complete'])
  await page
    .getByText(`${count(whole.sites)} rows`)
    .first()
    .waitFor()
  await page.locator(`table[aria-rowcount="${whole.sites + 1}"]`).waitFor()
  await expect.poll(() => feed.locator(line).textContent()).toContain(count(whole.sites))
  expect(await feed.locator(line).textContent()).toContain('user@example.com')
  expect(await page.title()).toBe(`Complete – ${everybodysTarget} – Searchlight`)
  expect(requests).toEqual([[], [], []])
  expect(pageErrors).toEqual([[], [], []])

  await page.reload()
  await page.locator('[data-job-state="complete"]').waitFor()
  await page.locator(`table[aria-rowcount="${whole.sites + 1}"]`).waitFor()
})

test('a waiting search says why it waits and how many are ahead, on its page and in lists', async () => {
  await startByKey(whole, people.other.key)
  const list = await openLive(user, '/')
  const page = await openLive(user, '/')
  const id = await startSearch(page, everybodysTarget)
  const says = async (onPage: string, inList: string) => {
    await page.getByText(onPage).waitFor()
    await list.locator(`[data-job="${id}"]`).getByText(inList).waitFor()
  }
  const asAdmin = apiClient(whole.url, people.admin.key)
  await says('No worker is running it. It starts when one is back.', 'No worker is running')
  const requests = [page, list].map(recordRequests)
  await asAdmin('POST', '/api/admin/queue/pause?search=linking-domains')
  await says('Paused by an admin. It starts when searches are resumed.', 'Paused by an admin')
  await whole.addWorker()
  whole.freezeWorkers()
  await asAdmin('POST', '/api/admin/queue/resume?search=linking-domains')
  await says('1 search is ahead.', '1 ahead')
  whole.thawWorkers()
  await page.locator('main [data-job-state="complete"]').waitFor()
  expect(requests).toEqual([[], []])
})

test('a page opened during a search shows the rows found before', async () => {
  await whole.addWorker()
  const page = await openLive(user, '/')
  const id = await startSearch(page, everybodysTarget)
  await page.locator('[role="progressbar"][aria-valuenow]').waitFor()
  await page.locator('tr[data-row="150"], table[aria-rowcount]').first().waitFor()
  const late = await openLive(user, `/jobs/${id}`)
  const pageErrors = recordPageErrors(late)
  await late.locator('main [data-job-state="complete"]').waitFor()
  await late.locator(`table[aria-rowcount="${whole.sites + 1}"]`).waitFor()
  const firstRow = (tab: typeof page) => tab.locator('tr[data-row="0"]').textContent()
  expect(await firstRow(late)).toBe(await firstRow(page))
  expect(pageErrors).toEqual([])
})

test('a page survives a server restart: it shows the lost connection and catches up', async () => {
  await whole.addWorker()
  const page = await openLive(user, '/')
  await startSearch(page, everybodysTarget)
  await page.locator('main [data-job-state="running"]').waitFor()
  const frames = recordSentFrames(page)
  await whole.killServer()
  await page.locator('[data-connection="reconnecting"], [data-connection="offline"]').waitFor()
  await whole.startServerAgain()
  await untilLive(page)
  expect(frames.filter((frame) => frame.includes('"watch"'))).toEqual([
    expect.stringMatching(
      /"watch",\{"jobs":\[\{"id":"[^"]+","since":\{"epoch":"[^"]+","seq":\d+\}\}\],"patches":true\}/,
    ),
  ])
  await page.locator('main [data-job-state="complete"]').waitFor()
  await page.locator(`table[aria-rowcount="${whole.sites + 1}"]`).waitFor()
})

test('after a worker dies, the page shows the next attempt with all its rows', async () => {
  await whole.addWorker()
  const page = await openLive(user, '/')
  await startSearch(page, everybodysTarget)
  await page.locator('main [data-job-state="running"]').waitFor()
  whole.freezeWorkers()
  await whole.stopWorkers()
  await whole.addWorker()
  await page.getByText('Started again, attempt 2').waitFor()
  await page.locator('main [data-job-state="complete"]').waitFor()
  await page.locator(`table[aria-rowcount="${whole.sites + 1}"]`).waitFor()
  await page.getByText('The worker stopped responding').first().waitFor()
})

test('cancelling a search in one tab shows it cancelled in the others', async () => {
  await whole.addWorker()
  const page = await openLive(user, '/')
  const id = await startSearch(page, everybodysTarget)
  await page.locator('main [data-job-state="running"]').waitFor()
  whole.freezeWorkers()
  const other = await openLive(user, `/jobs/${id}`)
  await page.getByRole('button', { name: 'Cancel' }).click()
  for (const each of [page, other]) {
    await each.locator('main [data-job-state="cancelled"]').waitFor()
    await each.getByText('Cancelled by user@example.com.').first().waitFor()
    expect(await each.title()).toContain('Cancelled')
  }
})

test('deleting a search in one tab removes it from the list in another', async () => {
  const page = await openLive(user, '/')
  const id = await startSearch(page, everybodysTarget)
  await page.getByRole('button', { name: 'Cancel' }).click()
  await page.locator('main [data-job-state="cancelled"]').waitFor()
  const list = await openLive(user, '/')
  await list.locator(`[data-job="${id}"]`).waitFor()
  await page.getByRole('button', { name: 'Delete' }).click()
  await page.getByRole('alertdialog').getByRole('button', { name: 'Delete' }).click()
  await page.waitForURL('/')
  await list.locator(`[data-job="${id}"]`).waitFor({ state: 'detached' })
})

test('starting a second search of a type opens the running one', async () => {
  const page = await openLive(user, '/')
  const id = await startSearch(page, everybodysTarget)
  const second = await openLive(user, '/')
  expect(await startSearch(second, 'redis.io')).toBe(id)
  await second.getByText('already running').waitFor()
  await second.getByRole('button', { name: 'Cancel' }).click()
  await second.locator('main [data-job-state="cancelled"]').waitFor()
})

test('a search can be run again from its page', async () => {
  const page = await openLive(user, '/')
  const id = await startSearch(page, everybodysTarget)
  await page.getByRole('button', { name: 'Cancel' }).click()
  await page.getByRole('button', { name: 'Run again' }).click()
  await page.waitForURL((url) => url.pathname.startsWith('/jobs/') && !url.pathname.endsWith(id))
  await page.locator('main [data-job-state="new"]').waitFor()
  await page.getByRole('button', { name: 'Cancel' }).click()
  await page.locator('main [data-job-state="cancelled"]').waitFor()
})

test('cells of shown rows change in place, sorted or not', async () => {
  const id = await startByKey(whole, people.user.key)
  const store = await openStore(whole.redisPrefix)
  const { userId, search } = await jobIn(store, id)
  const run = await runByHand({ id, userId, search }, store)
  for (const site of ['a.com', 'b.com', 'c.com']) await run.add({ site, links: 1, status: null })
  await run.flush()
  const page = await openLive(user, `/jobs/${id}`)
  const requests = recordRequests(page)
  const cells = (row: number) => page.locator(`[data-row="${row}"] td`).last().textContent()
  await expect.poll(() => page.locator('[data-row]').count()).toBe(3)
  await run.change([1, { status: 'live' }])
  await expect.poll(() => cells(1)).toBe('live')
  await page.getByRole('button', { name: 'Status' }).click()
  await run.change([2, { status: 'gone' }], [1, { status: 'lost' }])
  await expect.poll(() => cells(1)).toBe('lost')
  const order = () =>
    page
      .locator('[data-row]')
      .evaluateAll((rows) => rows.map((row) => row.getAttribute('data-row')))
  await expect.poll(order).toEqual(['2', '1', '0'])
  await run.complete()
  await page.locator('[data-job-state="complete"]').waitFor()
  expect(requests).toEqual([])
  await page.reload()
  await untilLive(page)
  await expect.poll(() => Promise.all([0, 1, 2].map(cells))).toEqual(['–', 'lost', 'gone'])
  store.close()
})
