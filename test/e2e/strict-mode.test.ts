import type { BrowserContext } from 'playwright'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { openHooksPage } from './hooks-page.ts'
import { signIn, startByKey, startWhole, untilLive, type Whole } from './whole-fixture.ts'

let whole: Whole
let admin: BrowserContext
let ids: string[]

beforeAll(async () => {
  whole = await startWhole({ shards: 4, sites: 60 })
  const people = await whole.makePeople()
  admin = await signIn(whole, 'admin@example.com')
  ids = [await startByKey(whole, people.admin.key), await startByKey(whole, people.user.key)]
})
afterEach(async () => {
  for (const page of admin?.pages() ?? []) await page.close()
})
afterAll(() => whole?.stop())

const watchOf = (...jobs: string[]) =>
  new RegExp(jobs.map((id) => `"id":"${id}","since"`).join('.*'))

test('mounted twice by StrictMode, a tab has one socket, and all that it shows is asked for once', async () => {
  const { page, said, sockets, show } = await openHooksPage(admin)
  await show({ watched: ids, mine: true, feed: {} })
  await untilLive(page)
  await page.locator('[data-feed="true"]').getByText('new new').waitFor()
  expect(sockets()).toBe(1)
  expect(said('watch')).toEqual([expect.stringMatching(watchOf(...ids))])
  expect(said('jobs:open')).toHaveLength(1)
  expect(said('feed:open')).toHaveLength(1)
  for (const ending of ['unwatch', 'jobs:close', 'feed:close']) expect(said(ending)).toEqual([])
})

test('two components share one watch, which ends a moment after both are gone', async () => {
  const { page, said, show } = await openHooksPage(admin)
  const [id = ''] = ids
  await show({ watched: [id, id] })
  await untilLive(page)
  await expect.poll(() => page.locator(`[data-watched="${id}"]`).count()).toBe(2)
  expect(said('watch')).toHaveLength(1)

  await show({ watched: [id] })
  await show({ watched: [] })
  await expect
    .poll(() => said('unwatch'))
    .toEqual([expect.stringContaining(`["unwatch",{"jobs":["${id}"]}]`)])
  expect(said('watch')).toHaveLength(1)
})

test('who leaves and comes back in a moment has never left', async () => {
  const { page, said, show } = await openHooksPage(admin)
  const [id = '', other = ''] = ids
  await show({ watched: [id], mine: true, feed: {} })
  await untilLive(page)
  await show({})
  await show({ watched: [id], mine: true, feed: {} })
  // Another one leaves for good: once that is said, whatever would have been said of the first
  // would have been, too.
  await show({ watched: [id, other], mine: true, feed: {} })
  await show({ watched: [id], mine: true, feed: {} })
  await expect.poll(() => said('unwatch')).toEqual([expect.stringContaining(other)])
  expect(said('watch').filter((question) => question.includes(id))).toHaveLength(1)
  for (const opening of ['jobs:open', 'feed:open']) expect(said(opening)).toHaveLength(1)
  for (const ending of ['jobs:close', 'feed:close']) expect(said(ending)).toEqual([])
})

test('another filter opens the feed anew, and only what fits it is shown', async () => {
  const { page, said, show } = await openHooksPage(admin)
  await show({ feed: {} })
  await page.locator('[data-feed="true"]').getByText('new new').waitFor()
  // Changed thrice in one go: the last one counts, whatever is answered first.
  await Promise.all([
    show({ feed: { state: 'running' } }),
    show({ feed: { state: 'new' } }),
    show({ feed: { state: 'complete' } }),
  ])
  await page.locator('[data-feed="true"]').getByText('nothing').waitFor()
  expect(said('feed:open').at(-1)).toContain('{"filter":{"state":"complete"}}')
  await show({ feed: { state: 'new', search: 'linking-domains' } })
  await page.locator('[data-feed="true"]').getByText('new new').waitFor()
  expect(said('feed:close')).toEqual([])
})
