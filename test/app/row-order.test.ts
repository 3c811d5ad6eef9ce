import { expect, test } from 'vitest'
import { orderRows, type RowSort } from '#app/jobs/[id]/row-order.ts'

const names = (...sites: (string | null | undefined)[]) =>
  sites.map((site) => (site === undefined ? undefined : { site }))
const wish = (sort: Partial<RowSort> | null = null, query = '') => ({
  query,
  sort: sort && { key: 'site', descending: false, ...sort },
})
const shown = (order: ReturnType<typeof orderRows>) =>
  [...order.indexes].map((index) => order.rows[index]?.site)

test('without a wish, rows are shown as they were found, and holes are not', () => {
  expect(shown(orderRows(names('b', undefined, 'a'), wish(), null))).toEqual(['b', 'a'])
})

test('numbers within words count as numbers, and nothing stays at the end either way', () => {
  const rows = names('site-10', null, 'site-9', 'Site-1')
  expect(shown(orderRows(rows, wish({}), null))).toEqual(['Site-1', 'site-9', 'site-10', null])
  expect(shown(orderRows(rows, wish({ descending: true }), null))).toEqual([
    'site-10',
    'site-9',
    'Site-1',
    null,
  ])
})

test('equals keep the order in which they were found, whichever way the rest is sorted', () => {
  const rows = ['x', 'y', 'x'].map((site, at) => ({ site, at }))
  const at = (descending: boolean) => [...orderRows(rows, wish({ descending }), null).indexes]
  expect(at(false)).toEqual([0, 2, 1])
  expect(at(true)).toEqual([1, 0, 2])
})

test('only rows that contain the text are shown', () => {
  expect(
    shown(orderRows(names('Redis.io', 'example.org', 'redis.com'), wish({}, 'redis'), null)),
  ).toEqual(['redis.com', 'Redis.io'])
})

/** Rows that repeat, in no order. */
const many = Array.from({ length: 500 }, (_, i) => ({
  site: i % 17 === 0 ? null : `s${(i * 7_919) % 101}`,
  at: i,
}))

test.each([
  ['as found', wish()],
  ['sorted', wish({})],
  ['sorted the other way round', wish({ descending: true })],
  ['filtered', wish(null, 's1')],
])(
  'arriving bit by bit, with holes that are filled later, they end in the same order: %s',
  (_, wanted) => {
    let rows: ((typeof many)[number] | undefined)[] = []
    let order = orderRows(rows, wanted, null)
    for (const [from, to] of [
      [0, 90],
      [200, 300],
      [90, 150],
      [300, 500],
      [150, 200],
    ] as const) {
      rows = rows.slice()
      for (let i = from; i < to; i++) rows[i] = many[i]
      order = orderRows(rows, wanted, order)
    }
    expect([...order.indexes]).toEqual([...orderRows(many, wanted, null).indexes])
  },
)

test('rows of another attempt have nothing to do with those of before', () => {
  const before = orderRows(names('a', 'b'), wish({}), null)
  expect(shown(orderRows(names('d', 'c', 'b'), wish({}), before))).toEqual(['b', 'c', 'd'])
  expect(shown(orderRows([], wish({}), before))).toEqual([])
})
