import type { BrowserContext } from 'playwright'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { apiClient } from '../server/server-fixture.ts'
import {
  openLive,
  recordPageErrors,
  recordRequests,
  recordSentFrames,
  signIn,
  startByKey,
  startWhole,
  untilLive,
  type Whole,
} from './whole-fixture.ts'

let whole: Whole
let admin: BrowserContext
let people: Awaited<ReturnType<Whole['makePeople']>>
let cancelled: string
let waiting: string

beforeAll(async () => {
  whole = await startWhole({ shards: 4, sites: 60 })
  people = await whole.makePeople()
  admin = await signIn(whole, 'admin@example.com')
  cancelled = await startByKey(whole, people.user.key)
  await apiClient(whole.url, people.user.key)('POST', `/api/jobs/${cancelled}/cancel`)
  waiting = await startByKey(whole, people.user.key)
})
afterEach(async () => {
  for (const page of admin?.pages() ?? []) await page.close()
})
afterAll(() => whole?.stop())

test('choosing a state filters on the server, updates the URL and survives a reload', async () => {
  const page = await admin.newPage()
  const [frames, pageErrors] = [recordSentFrames(page), recordPageErrors(page)]
  await page.goto('/admin')
  await untilLive(page)
  const requests = recordRequests(page)
  await page.getByRole('button', { name: 'Cancelled' }).click()
  await page.locator(`[data-job="${waiting}"]`).waitFor({ state: 'detached' })
  await page.locator(`[data-job="${cancelled}"]`).waitFor()
  await expect.poll(() => frames.filter((frame) => frame.includes('"feed:open"')).length).toBe(2)
  expect(frames.at(-1)).toContain('["feed:open",{"filter":{"state":"cancelled"}}]')
  expect(requests.filter((path) => path.startsWith('/api'))).toEqual([])
  expect(new URL(page.url()).search).toBe('?state=cancelled')

  await page.reload()
  await untilLive(page)
  expect(await page.getByRole('button', { name: 'Cancelled' }).getAttribute('aria-pressed')).toBe(
    'true',
  )
  expect(await page.locator('[data-job]').count()).toBe(1)
  expect(pageErrors).toEqual([])
})

test('the server renders the filtered feed and the counts', async () => {
  const html = await (await admin.request.get('/admin?state=cancelled')).text()
  expect(html).toContain(`data-job="${cancelled}"`)
  expect(html).not.toContain(`data-job="${waiting}"`)
  expect(html).toMatch(/data-count="new"[^>]*>1</)
})

test('an empty filter result says so, and Escape clears the filter', async () => {
  const page = await openLive(admin, '/admin?state=error&search=linking-domains')
  await page.getByText('No failed searches').waitFor()
  await page.getByRole('button', { name: 'Show all searches' }).waitFor()
  await page.keyboard.press('Escape')
  await page.locator(`[data-job="${waiting}"]`).waitFor()
  expect(new URL(page.url()).search).toBe('')
})

test('a job enters and leaves the filtered feed as its state changes, and the counts follow', async () => {
  const page = await openLive(admin, '/admin?state=new')
  const count = (state: string) => page.locator(`[data-count="${state}"]`).textContent()
  await page.locator(`[data-job="${waiting}"]`).waitFor()
  const another = await startByKey(whole, people.other.key)
  await page.locator(`[data-job="${another}"]`).waitFor()
  await expect.poll(() => count('new')).toBe('2')
  await apiClient(whole.url, people.other.key)('POST', `/api/jobs/${another}/cancel`)
  await page.locator(`[data-job="${another}"]`).waitFor({ state: 'detached' })
  await page.locator(`[data-job="${waiting}"]`).waitFor()
  await expect.poll(() => count('cancelled')).toBe('2')
})
