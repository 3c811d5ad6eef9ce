import type { Browser, Page } from 'playwright'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildPages } from '#scripts/build-pages.ts'
import { type OutagesEnvironment, openOutagesEnvironment } from '../server/outages-environment.ts'
import { password } from '../server/server-fixture.ts'
import { fillSignIn, launch, openBrowser, signIn } from './whole-fixture.ts'

let env: OutagesEnvironment
let browser: Browser
beforeAll(async () => {
  await buildPages({ say: () => {} })
  env = await openOutagesEnvironment({ pages: true })
  browser = await launch()
})
afterAll(async () => {
  await browser?.close()
  await env?.close()
})

const here = () => ({ browser, url: env.url })
const shows = (page: Page, text: string) => page.getByText(text).first().waitFor()

test('the sign-in form shows why nobody can sign in', async () => {
  const page = await (await openBrowser(here())).newPage()
  await page.goto('/sign-in')
  await env.restartPostgres(async () => {
    await fillSignIn(page, 'user@example.com', password)
    await shows(page, 'PostgreSQL cannot be reached. You are not signed in yet.')
  })
  await env.recovered()
  await fillSignIn(page, 'user@example.com', password)
  await page.waitForURL('/')
  await page.context().close()
})

test('the search form shows why a search does not start', async () => {
  const context = await signIn(here(), 'other@example.com')
  const page = await context.newPage()
  await page.goto('/')
  await page.getByRole('textbox', { name: 'Domain' }).fill('redis.io')
  await env.redis.config('SET', 'maxmemory', '1mb')
  await page.getByRole('button', { name: 'Start search' }).click()
  await shows(
    page,
    'Redis has reached its memory limit and accepts no changes. Nothing was started.',
  )
  await env.redis.config('SET', 'maxmemory', '0')
  await page.getByRole('button', { name: 'Start search' }).click()
  await page.waitForURL(/\/jobs\//)
  await context.close()
})

test('a page that cannot load shows the reason, and loads when the outage is over', async () => {
  const context = await signIn(here(), 'user@example.com')
  const page = await context.newPage()
  await env.restartRedis(async () => {
    await page.goto('/')
    await shows(page, 'Redis cannot be reached.')
  })
  await env.recovered()
  await page.getByRole('button', { name: 'Try again' }).click()
  await page.getByRole('button', { name: 'Start search' }).waitFor()

  await env.restartPostgres(async () => {
    await page.goto('/')
    await shows(page, 'PostgreSQL cannot be reached.')
  })
  await env.recovered()
  await page.reload()
  await page.getByRole('button', { name: 'Start search' }).waitFor()
  expect(new URL(page.url()).pathname).toBe('/')
  await context.close()
})
