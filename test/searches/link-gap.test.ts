import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Row } from '#jobs/define-search.ts'
import { SearchFailed } from '#jobs/errors.ts'
import { linkGap } from '#searches/link-gap.ts'
import { readManifest } from '#webindex/manifest.ts'
import { breakFile } from './break-file.ts'
import { edgeFacts, linkFacts, linkItems, webRanks, within } from './link-facts.ts'
import { builtIndex, engineOf, engineOver, runSearch } from './run-search.ts'

const everyone = ['rival.net', 'other.co.uk', 'github.com', 'rival.network']

/** The expected rows without ranks, in no order, counted from the raw links and edges. */
function expectedGaps(mine: string, competitors: string[], atLeast: number) {
  const compared = [mine, ...competitors]
  const all = [...linkFacts, ...edgeFacts.map((edge) => ({ ...edge, url: null }))].filter(
    ({ from }) => !compared.some((site) => within(from, site)),
  )
  const sites = [...new Set(all.map(({ from }) => from))]
  const linkingTo = (site: string, target: string) =>
    all.filter(({ from, to }) => from === site && within(to, target))
  const rows = sites.flatMap((site) => {
    const linked = competitors.filter((competitor) => linkingTo(site, competitor).length > 0)
    if (linked.length < atLeast) return []
    const urls = competitors.flatMap((competitor) =>
      linkingTo(site, competitor).flatMap(({ url }) => url ?? []),
    )
    return {
      mine: linkingTo(site, mine).length > 0,
      row: {
        site,
        competitors: linked.length,
        links_to: linked.join(', '),
        links: urls.length,
        linking_pages: new Set(urls).size,
        web_rank: webRanks.find((rank) => rank.site === site)?.position ?? null,
        sample_url: urls.sort()[0] ?? null,
      },
    }
  })
  return {
    gaps: rows.filter((each) => !each.mine).map(({ row }) => row),
    already: rows.filter((each) => each.mine).length,
  }
}
const bySite = (a: { site?: unknown }, b: { site?: unknown }) =>
  String(a.site) < String(b.site) ? -1 : 1
const withoutRank = ({ rank: _, ...row }: Row) => row
const numbersOf = (row: Row) =>
  ['competitors', 'links', 'linking_pages', 'rank'].map((key) => Number(row[key] ?? -1))
/** Whether rows are in the order that the type names. */
function inOrder(rows: Row[]): boolean {
  return rows.every((row, n) => {
    const before = rows[n - 1]
    if (!before) return true
    const differing = numbersOf(before).map((value, at) => value - (numbersOf(row)[at] ?? 0))
    const first = differing.find((difference) => difference !== 0)
    return first === undefined ? String(before.site) < String(row.site) : first > 0
  })
}

test('every number matches a plain count of the raw links and edges', async () => {
  const engine = await engineOver(linkItems(), { shards: 6 })
  let found = 0
  for (const [mine, competitors] of [
    ['mine.org', everyone],
    ['mine.org', ['rival.net']],
    ['github.com/ann', ['github.com/bob', 'rival.net']],
    ['github.com', ['mine.org', 'rival.net', 'other.co.uk']],
  ] as const)
    for (const atLeast of [1, 2, 3].filter((least) => least <= competitors.length)) {
      const input = { domain: mine, competitors: competitors.join('\n'), atLeast }
      const { rows, notes } = await runSearch(linkGap, engine, input)
      const { gaps, already } = expectedGaps(mine, [...competitors], atLeast)
      expect(rows.map(withoutRank).sort(bySite), JSON.stringify(input)).toEqual(gaps.sort(bySite))
      expect(inOrder(rows)).toBe(true)
      const leftOut = `Left out ${already} sites that link to ${mine} already.`
      expect(notes.includes(leftOut)).toBe(already > 0)
      found += rows.length
    }
  expect(found).toBeGreaterThan(40)
})

test('returns the top rows for every limit', async () => {
  const engine = await engineOver(linkItems(), { shards: 6 })
  const input = { domain: 'mine.org', competitors: everyone.join('\n') }
  const whole = await runSearch(linkGap, engine, input)
  for (const limit of [1, 4, whole.rows.length - 1]) {
    const { rows, notes } = await runSearch(linkGap, engine, { ...input, limit })
    expect(rows).toEqual(whole.rows.slice(0, limit))
    expect(notes.at(-1)).toBe(
      `The top ${limit} of ${whole.rows.length} sites, by competitors, then links. The limit left out the others.`,
    )
  }
})

test('compares no domain with itself and refuses a list without domains', async () => {
  const engine = await engineOver(linkItems())
  const { rows, notes } = await runSearch(linkGap, engine, {
    domain: 'mine.org',
    competitors: 'https://mine.org/\nrival.net',
  })
  expect(notes[1]).toBe('mine.org is your own domain, so it is not compared with itself.')
  expect(rows.map(({ links_to }) => links_to)).toContain('rival.net')
  const none = runSearch(linkGap, engine, { domain: 'mine.org', competitors: 'mine.org' })
  await expect(none).rejects.toThrow(SearchFailed)
})

test('explains an empty result', async () => {
  const engine = await engineOver(linkItems())
  const { rows, notes } = await runSearch(linkGap, engine, {
    domain: 'mine.org',
    competitors: 'unknown.com',
  })
  expect(rows).toEqual([])
  expect(notes.at(-1)).toMatch(
    /^No site in this index links to these competitors\. The index covers only/,
  )
})

test('notes broken files once and counts each site of the others once', async () => {
  const dir = await builtIndex(linkItems(), { shards: 8 })
  const engine = await engineOf(dir)
  const input = { domain: 'mine.org', competitors: everyone.join('\n') }
  const whole = await runSearch(linkGap, engine, input)
  const { tables } = await readManifest(dir)
  await breakFile(join(dir, tables.links.shards[4]?.file ?? ''), 'truncated')
  const { rows, notes } = await runSearch(linkGap, engine, input)
  expect(notes.filter((note) => note.startsWith('Could not read'))).toHaveLength(1)
  expect(new Set(rows.map(({ site }) => site)).size).toBe(rows.length)
  expect(whole.rows).toEqual(expect.arrayContaining(rows))
  expect(rows.length).toBeLessThan(whole.rows.length)
  await breakFile(join(dir, tables.edges?.shards[1]?.file ?? ''), 'truncated')
  const again = await runSearch(linkGap, engine, input)
  expect(again.notes.filter((note) => note.startsWith('Could not read'))).toHaveLength(2)
})
