import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Row } from '#jobs/define-search.ts'
import { bulkDomains } from '#searches/bulk-domains.ts'
import { linkingDomains } from '#searches/linking-domains.ts'
import { readManifest } from '#webindex/manifest.ts'
import { breakFile } from './break-file.ts'
import { edgeFacts, linkFacts, linkItems, pagesOfSite, webRanks, within } from './link-facts.ts'
import { builtIndex, engineOf, engineOver, runSearch } from './run-search.ts'

const domains = [
  'rival.net',
  'mine.org',
  'github.com',
  'github.com/ann',
  'other.co.uk',
  'rival.network',
  'source3.com',
  'unknown.com',
]

/** The totals of a site, counted from the raw links and edges. */
function expectedTotals(site: string) {
  const own = linkFacts.filter(({ from, to }) => within(to, site) && !within(from, site))
  const edges = edgeFacts.filter(({ from, to }) => within(to, site) && !within(from, site))
  const dates = own.map(({ seenAt }) => seenAt.toISOString()).sort()
  return {
    domain: site,
    referring_domains: new Set([...own, ...edges].map(({ from }) => from)).size,
    links: own.length,
    linking_pages: new Set(own.map(({ url }) => url)).size,
    follow_links: own.filter(({ follow }) => follow).length,
    pages: pagesOfSite(site),
    web_rank: webRanks.find((rank) => rank.site === site)?.position ?? null,
    first_seen: dates[0] ?? null,
    last_seen: dates.at(-1) ?? null,
  }
}
const withoutRank = ({ rank: _, ...row }: Row) => row

test('every number matches a plain count of the raw links and edges', async () => {
  for (const shards of [1, 5, 16]) {
    const engine = await engineOver(linkItems(), { shards })
    const { rows } = await runSearch(bulkDomains, engine, { domains: domains.join('\n') })
    expect(rows.map(withoutRank)).toEqual(domains.map(expectedTotals))
  }
})

test('domains and ranks agree with linking-domains', async () => {
  const engine = await engineOver(linkItems())
  const { rows } = await runSearch(bulkDomains, engine, { domains: domains.join('\n') })
  const ranks = new Map(rows.map(({ domain, rank }) => [domain, rank]))
  for (const { domain, referring_domains } of rows) {
    const linking = await runSearch(linkingDomains, engine, { domain })
    expect(linking.rows).toHaveLength(Number(referring_domains))
    for (const { site, rank } of linking.rows)
      if (ranks.has(site ?? null)) expect(rank).toBe(ranks.get(site ?? null))
  }
  expect(rows.find(({ domain }) => domain === 'rival.net')?.rank).toBeGreaterThan(50)
})

test('notes merged, unreadable and unknown lines, and keeps the order of the list', async () => {
  const lines = ['https://www.mine.org/a', 'not a domain', 'unknown.com', 'mine.org', 'rival.net']
  const { rows, notes, steps } = await runSearch(bulkDomains, await engineOver(linkItems()), {
    domains: lines.join('\r\n'),
  })
  expect(rows.map(({ domain }) => domain)).toEqual(['mine.org', 'unknown.com', 'rival.net'])
  expect(rows[1]).toEqual({ ...expectedTotals('unknown.com'), rank: null })
  expect(notes.slice(1)).toEqual([
    'Merged 1 line that repeats an earlier domain.',
    'Skipped 1 line that has no domain of the public web: “not a domain”.',
    'This index has no page of 1 of these 3 domains, and no link to them.',
  ])
  expect(steps.at(-1)).toMatchObject({ phase: 'Adding up links', done: 5, total: 5 })
})

test('notes a broken file and counts the rest', async () => {
  const dir = await builtIndex(linkItems(), { shards: 4 })
  const engine = await engineOf(dir)
  const { tables } = await readManifest(dir)
  const whole = await runSearch(bulkDomains, engine, { domains: domains.join('\n') })
  await breakFile(join(dir, tables.links.shards[2]?.file ?? ''), 'truncated')
  await breakFile(join(dir, tables.edges?.shards[0]?.file ?? ''), 'truncated')
  const { rows, notes } = await runSearch(bulkDomains, engine, { domains: domains.join('\n') })
  expect(notes.join()).toMatch(/links-02.*edges-00|edges-00.*links-02/)
  for (const [n, row] of rows.entries())
    expect(Number(row.links)).toBeLessThanOrEqual(Number(whole.rows[n]?.links))
  expect(rows).not.toEqual(whole.rows)
})

test.each([
  ['', 'Enter at least one domain.'],
  ['a.com\n'.repeat(1_001), 'Too many domains (1,001): enter at most 1,000.'],
])('refuses a list that is empty or too long', (domains, message) => {
  expect(bulkDomains.input.safeParse({ domains }).error?.issues[0]?.message).toBe(message)
})
