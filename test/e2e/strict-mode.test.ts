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

test('under StrictMode a tab opens one socket and sends each subscription once', async () => {
  const { page, sent, sockets, show } = await openHooksPage(admin)
  await show({ watched: ids, ownJobs: true, feed: {} })
  await untilLive(page)
  await page.locator('[data-feed="true"]').getByText('new new').waitFor()
  expect(sockets()).toBe(1)
  expect(sent('watch')).toEqual([expect.stringMatching(watchOf(...ids))])
  expect(sent('jobs:open')).toHaveLength(1)
  expect(sent('feed:open')).toHaveLength(1)
  for (const ending of ['unwatch', 'jobs:close', 'feed:close']) expect(sent(ending)).toEqual([])
})

test('two components share one watch, which ends shortly after both unmount', async () => {
  const { page, sent, show } = await openHooksPage(admin)
  const [id = ''] = ids
  await show({ watched: [id, id] })
  await untilLive(page)
  await expect.poll(() => page.locator(`[data-watched="${id}"]`).count()).toBe(2)
  expect(sent('watch')).toHaveLength(1)

  await show({ watched: [id] })
  await show({ watched: [] })
  await expect
    .poll(() => sent('unwatch'))
    .toEqual([expect.stringContaining(`["unwatch",{"jobs":["${id}"]}]`)])
  expect(sent('watch')).toHaveLength(1)
})

test('a component that remounts at once keeps its subscription', async () => {
  const { page, sent, show } = await openHooksPage(admin)
  const [id = '', other = ''] = ids
  await show({ watched: [id], ownJobs: true, feed: {} })
  await untilLive(page)
  await show({})
  await show({ watched: [id], ownJobs: true, feed: {} })
  // The second job is dropped for good. Once its `unwatch` is sent, an `unwatch` of the first would
  // have been sent as well.
  await show({ watched: [id, other], ownJobs: true, feed: {} })
  await show({ watched: [id], ownJobs: true, feed: {} })
  await expect.poll(() => sent('unwatch')).toEqual([expect.stringContaining(other)])
  expect(sent('watch').filter((frame) => frame.includes(id))).toHaveLength(1)
  for (const opening of ['jobs:open', 'feed:open']) expect(sent(opening)).toHaveLength(1)
  for (const ending of ['jobs:close', 'feed:close']) expect(sent(ending)).toEqual([])
})

test('changing the filter reopens the feed and shows only matching jobs', async () => {
  const { page, sent, show } = await openHooksPage(admin)
  await show({ feed: {} })
  await page.locator('[data-feed="true"]').getByText('new new').waitFor()
  // Three changes at once: the last one wins, whichever answer arrives first.
  await Promise.all([
    show({ feed: { state: 'running' } }),
    show({ feed: { state: 'new' } }),
    show({ feed: { state: 'complete' } }),
  ])
  await page.locator('[data-feed="true"]').getByText('nothing').waitFor()
  expect(sent('feed:open').at(-1)).toContain('{"filter":{"state":"complete"}}')
  await show({ feed: { state: 'new', search: 'linking-domains' } })
  await page.locator('[data-feed="true"]').getByText('new new').waitFor()
  expect(sent('feed:close')).toEqual([])
})
