import type { BrowserContext } from 'playwright'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { everybodysTarget } from '../searches/many-shards.ts'
import { password } from '../server/server-fixture.ts'
import {
  fillSignIn,
  openBrowser,
  openLive,
  signIn,
  startSearch,
  startWhole,
  type Whole,
} from './whole-fixture.ts'

let whole: Whole
let user: BrowserContext

beforeAll(async () => {
  whole = await startWhole({ shards: 4, sites: 60 })
})
afterEach(async () => {
  for (const page of user?.pages() ?? []) await page.close()
})
afterAll(() => whole.stop())

test('the first visitor creates the admin account, after which sign-up is closed', async () => {
  const context = await openBrowser(whole)
  const page = await context.newPage()
  await page.goto('/')
  await page.getByText('Create the first account. It will have admin rights.').waitFor()
  await page.getByLabel('Name').fill('First')
  await page.getByLabel('Email').fill('first@example.com')
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Create account' }).click()
  await page.waitForURL('/')
  await page.getByRole('link', { name: 'Admin' }).click()
  await page.getByRole('heading', { name: 'All searches' }).waitFor()
  await page.getByText('No searches yet').waitFor()
  await context.clearCookies()
  await page.goto('/')
  await page.getByRole('heading', { name: 'Sign in to Searchlight' }).waitFor()
  await context.close()

  await whole.makePeople()
  user = await signIn(whole, 'user@example.com')
})

test('a wrong password shows an error; the right one opens the requested page', async () => {
  const context = await openBrowser(whole)
  const page = await context.newPage()
  await page.goto('/admin')
  await fillSignIn(page, 'user@example.com', 'not the password')
  await page.getByText('Wrong email or password.').waitFor()
  await fillSignIn(page, 'user@example.com', password)
  await page.waitForURL('/admin')
  await page.getByRole('heading', { name: 'This page is for admins' }).waitFor()
  await context.close()
})

test('a sign-in link cannot redirect to another site', async () => {
  const page = await user.newPage()
  for (const next of ['https://evil.example/', '//evil.example/', '/\\evil.example']) {
    await page.goto(`/sign-in?next=${encodeURIComponent(next)}`)
    expect(new URL(page.url()).origin).toBe(whole.url)
  }
})

test('an invalid field shows its error and gets the focus', async () => {
  const page = await openLive(user, '/')
  await page.getByRole('button', { name: 'Start search' }).click()
  await page.getByText('Enter a domain').waitFor()
  const field = page.getByRole('textbox', { name: 'Domain' })
  expect(await field.getAttribute('aria-invalid')).toBe('true')
  await expect
    .poll(() => field.evaluate((element) => element === document.activeElement))
    .toBe(true)
})

test('results can be sorted and filtered by keyboard, and columns have help', async () => {
  await whole.addWorker()
  const page = await openLive(user, '/')
  await startSearch(page, everybodysTarget)
  await page.locator('main [data-job-state="complete"]').waitFor()
  await page.locator('table[aria-rowcount="61"]').waitFor()
  const sites = () => page.locator('tr[data-row] td:first-child').allInnerTexts()

  const heading = page.getByRole('button', { name: 'Referring domain' })
  await heading.focus()
  await page.getByRole('tooltip').getByText('registrable domain').waitFor()
  await page.keyboard.press('Enter')
  await page.locator('th[aria-sort="ascending"]').waitFor()
  expect((await sites()).slice(0, 3)).toEqual(['site-0.com', 'site-1.com', 'site-2.com'])
  await page.keyboard.press('Enter')
  await page.locator('th[aria-sort="descending"]').waitFor()
  expect((await sites())[0]).toBe('site-59.com')

  await page.getByLabel('Filter results').fill('site-7.')
  await page.locator('table[aria-rowcount="2"]').waitFor()
  expect(await sites()).toEqual(['site-7.com'])
  await page.keyboard.press('Escape')
  await page.locator('table[aria-rowcount="61"]').waitFor()

  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page
      .getByRole('button', { name: 'Download' })
      .click()
      .then(() => page.getByRole('menuitem', { name: 'CSV' }).click()),
  ])
  expect(download.suggestedFilename()).toMatch(/^linking-domains-.*\.csv$/)
})

test('another user’s search looks like one that does not exist', async () => {
  const page = await openLive(user, '/')
  const id = await startSearch(page, everybodysTarget)
  const other = await signIn(whole, 'other@example.com')
  const stranger = await other.newPage()
  for (const path of [`/jobs/${id}`, '/jobs/0-01890000-0000-7000-8000-000000000001']) {
    const response = await stranger.goto(path)
    expect(response?.status()).toBe(404)
    await stranger.getByRole('heading', { name: 'Search not found' }).waitFor()
  }
  await other.close()
})

test('the server renders the chosen theme', async () => {
  const page = await openLive(user, '/')
  await page.getByRole('button', { name: 'Theme: System' }).click()
  await page.getByRole('menuitemradio', { name: 'Dark' }).click()
  const background = () =>
    page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor)
  await expect.poll(background).toBe('rgb(12, 13, 15)')
  expect(await (await user.request.get('/')).text()).toContain('data-theme="dark"')
})

test('no page is wider than a phone', async () => {
  const page = await openLive(user, '/')
  await page.setViewportSize({ width: 390, height: 844 })
  const job = await page.locator('[data-job] a').first().getAttribute('href')
  for (const path of ['/', job ?? '', '/sign-in', '/nowhere']) {
    await page.goto(path)
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390)
  }
})

test('signing out signs out every tab', async () => {
  const context = await signIn(whole, 'other@example.com')
  const page = await openLive(context, '/')
  const otherTab = await openLive(context, '/')
  await page.getByRole('button', { name: /^Account/ }).click()
  await page.getByRole('menuitem', { name: 'Sign out' }).click()
  await page.waitForURL('/sign-in')
  // After signing in again, the other tab returns to its page.
  await otherTab.waitForURL('/sign-in?next=%2F')
  await page.goto('/')
  await page.waitForURL('/sign-in')
  await context.close()
})
