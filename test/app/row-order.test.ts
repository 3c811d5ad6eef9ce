import { expect, test } from 'vitest'
import { orderRows, type RowSort } from '#app/jobs/[id]/row-order.ts'

const names = (...sites: (string | null | undefined)[]) =>
  sites.map((site) => (site === undefined ? undefined : { site }))
const criteria = (sort: Partial<RowSort> | null = null, query = '') => ({
  query,
  sort: sort && { key: 'site', descending: false, ...sort },
})
const shown = (order: ReturnType<typeof orderRows>) =>
  [...order.indexes].map((index) => order.rows[index]?.site)

test('by default rows keep their order of arrival; holes are left out', () => {
  expect(shown(orderRows(names('b', undefined, 'a'), criteria(), null))).toEqual(['b', 'a'])
})

test('digits in words sort as numbers; nulls come last in both directions', () => {
  const rows = names('site-10', null, 'site-9', 'Site-1')
  expect(shown(orderRows(rows, criteria({}), null))).toEqual(['Site-1', 'site-9', 'site-10', null])
  expect(shown(orderRows(rows, criteria({ descending: true }), null))).toEqual([
    'site-10',
    'site-9',
    'Site-1',
    null,
  ])
})

test('equal cells keep their order of arrival in both directions', () => {
  const rows = ['x', 'y', 'x'].map((site, at) => ({ site, at }))
  const at = (descending: boolean) => [...orderRows(rows, criteria({ descending }), null).indexes]
  expect(at(false)).toEqual([0, 2, 1])
  expect(at(true)).toEqual([1, 0, 2])
})

test('only rows that contain the query are shown', () => {
  expect(
    shown(orderRows(names('Redis.io', 'example.org', 'redis.com'), criteria({}, 'redis'), null)),
  ).toEqual(['redis.com', 'Redis.io'])
})

/** Unordered rows with repeated values. */
const many = Array.from({ length: 500 }, (_, i) => ({
  site: i % 17 === 0 ? null : `s${(i * 7_919) % 101}`,
  at: i,
}))

test.each([
  ['unsorted', criteria()],
  ['ascending', criteria({})],
  ['descending', criteria({ descending: true })],
  ['filtered', criteria(null, 's1')],
])('rows arriving in batches with holes end in the same order: %s', (_, chosen) => {
  let rows: ((typeof many)[number] | undefined)[] = []
  let order = orderRows(rows, chosen, null)
  for (const [from, to] of [
    [0, 90],
    [200, 300],
    [90, 150],
    [300, 500],
    [150, 200],
  ] as const) {
    rows = rows.slice()
    for (let i = from; i < to; i++) rows[i] = many[i]
    order = orderRows(rows, chosen, order)
  }
  expect([...order.indexes]).toEqual([...orderRows(many, chosen, null).indexes])
})

test('rows of a new attempt replace the old ones', () => {
  const previous = orderRows(names('a', 'b'), criteria({}), null)
  expect(shown(orderRows(names('d', 'c', 'b'), criteria({}), previous))).toEqual(['b', 'c', 'd'])
  expect(shown(orderRows([], criteria({}), previous))).toEqual([])
})

test('changed rows are put in place: the order is that of sorting anew', () => {
  let seed = 5
  const random = (below: number) => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
    return seed % below
  }
  for (const chosen of [
    criteria(),
    criteria({}),
    criteria({ descending: true }),
    criteria({}, '1'),
  ]) {
    let rows: ({ site: string } | undefined)[] = []
    let order = orderRows(rows, chosen, null)
    for (let round = 0; round < 60; round++) {
      rows = rows.slice()
      for (let n = random(5); n > 0; n--) rows.push({ site: `s${random(30)}` })
      for (let n = random(4); n > 0 && rows.length > 0; n--) {
        const value = random(8)
        rows[random(rows.length)] = value === 0 ? undefined : { site: `s${value}` }
      }
      order = orderRows(rows, chosen, order)
      expect([...order.indexes]).toEqual([...orderRows(rows, chosen, null).indexes])
    }
  }
})
