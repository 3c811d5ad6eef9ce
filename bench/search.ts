/**
 * Measures what a search costs on top of the bare DuckDB query: one query over all files, with the
 * same memory and threads. LINKS, PHRASES and ROUNDS set the size; INDEX names a folder that keeps
 * the generated index for the next run.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance, type DuckDBValue, listValue } from '@duckdb/node-api'
import type { Search } from '#jobs/define-search.ts'
import { bulkDomains } from '#searches/bulk-domains.ts'
import { keywordMetrics } from '#searches/keyword-metrics.ts'
import { keywords } from '#searches/keywords.ts'
import { linkGap } from '#searches/link-gap.ts'
import { linkingDomains } from '#searches/linking-domains.ts'
import type { SearchTools } from '#searches/search-tools.ts'
import { toolsOver } from '#test/searches/tools-fixture.ts'
import { type ParquetFile, readManifest } from '#webindex/manifest.ts'
import { createIndexEngine } from '#webindex/query/engine.ts'
import { phrasesSql } from '#webindex/query/find-phrases.ts'
import { leadsToSite, targetRange } from '#webindex/query/links-to.ts'
import { lookUpSql } from '#webindex/query/look-up-phrases.ts'
import { filterValues } from '#webindex/query/phrase-filter.ts'
import { longestToken } from '#webindex/query/phrases.ts'
import { median, rounds, spread } from './measure.ts'
import { targets, words, writeGeneratedIndex } from './search/generated-index.ts'

const limits = { memoryLimitMb: 256, threads: 2 }
const size = {
  links: Number(process.env.LINKS ?? 5_000_000),
  phrases: Number(process.env.PHRASES ?? 3_000_000),
  shards: 16,
}
const dir = process.env.INDEX ?? mkdtempSync(join(tmpdir(), 'searchlight-bench-'))

interface Case {
  name: string
  search: Search<SearchTools>
  input: Record<string, unknown>
  bare: { sql: string; values: Record<string, DuckDBValue> }
}

mkdirSync(dir, { recursive: true })
if (!existsSync(join(dir, 'current.json'))) await writeGeneratedIndex(dir, size)
const { tables } = await readManifest(dir)
const engine = await createIndexEngine({ dir, ...limits })
const instance = await DuckDBInstance.create(':memory:', {
  memory_limit: `${limits.memoryLimitMb}MB`,
  threads: String(limits.threads),
  temp_directory: '',
})
const connection = await instance.connect()
const all = (table: { shards: ParquetFile[] }) =>
  listValue(table.shards.map(({ file }) => join(dir, file)))

/** @returns milliseconds until the first row and until the end, and the number of rows. */
async function run({ search, input }: Case, { signal } = new AbortController()) {
  const startedAt = performance.now()
  const index = await engine.open()
  const context = { ...toolsOver(index), signal, progress() {}, note() {}, update() {} }
  let first: number | null = null
  let rows = 0
  try {
    const stream = search.run(search.input.parse(input), context)
    // As a worker does; a loop in between would cost more than a row.
    while (!(await stream.next(rows - 1)).done) {
      first ??= performance.now() - startedAt
      rows++
    }
  } finally {
    await index.close()
  }
  const end = performance.now() - startedAt
  return { first: first ?? end, end, rows }
}

async function runBare({ bare }: Case): Promise<number> {
  const startedAt = performance.now()
  const result = await connection.run(bare.sql, bare.values)
  await result.getRowObjectsJS()
  return performance.now() - startedAt
}

/** The top domains with all their columns, in one query as a person would write it. */
const topDomainsSql = `
  WITH hits AS (FROM read_parquet($files) WHERE ${leadsToSite} AND kind <> 'metadata'),
  uses AS (SELECT source_site, anchor, count(*) AS uses FROM hits WHERE anchor <> '' GROUP BY ALL),
  named AS (SELECT source_site, first(anchor ORDER BY uses DESC, anchor) AS anchor, count(*) AS anchors FROM uses GROUP BY ALL),
  counted AS (
    SELECT source_site, count(*) AS links, count(DISTINCT source_url) AS pages, count(DISTINCT target_url) AS targets,
      count(*) FILTER (NOT nofollow) AS follow, min(seen_at), max(seen_at), min(source_url), max(source_rank) AS rank, min(source_web_rank)
    FROM hits GROUP BY source_site)
  FROM counted LEFT JOIN named USING (source_site) ORDER BY links DESC, pages DESC, rank DESC NULLS LAST, source_site LIMIT $limit`

function linkCase(name: keyof typeof targets): Case {
  const range = targetRange({ site: targets[name] })
  return {
    name: `linking-domains, ${name}`,
    search: linkingDomains,
    input: { domain: targets[name], limit: 10_000 },
    bare: { sql: topDomainsSql, values: { files: all(tables.links), ...range, limit: 10_000 } },
  }
}

function wordCase(name: keyof typeof words): Case {
  const token = words[name]
  const question = {
    token,
    adjacent: true,
    phrase: ` ${token} `,
    tokens: listValue([token]),
    minPages: 1,
    limit: 10_000,
    ...{ searches: 0, sites: 0, pages: 0, uses: 0 },
    ...filterValues({ functionWords: [], questions: [], onlyQuestions: false, fold: false }, []),
  }
  return {
    name: `keywords, ${name}`,
    search: keywords,
    input: { q: token, limit: 10_000 },
    bare: { sql: phrasesSql(false), values: { files: all(tables.phrases), ...question } },
  }
}

/** The totals of many sites in one query over all shards. */
const totalsSql = `
  WITH hits AS (
    SELECT * FROM read_parquet($files) JOIN (SELECT unnest($sites) AS target) ON target = target_site WHERE kind <> 'metadata' AND source_site <> target),
  totals AS (
    SELECT target, count(DISTINCT source_site), count(*), count(*) FILTER (NOT nofollow), count(DISTINCT source_url), min(seen_at), max(seen_at)
    FROM hits GROUP BY target)
  FROM totals LEFT JOIN read_parquet($siteFiles) ON site = target`

function bulkCase(count: number): Case {
  const sites = ['popular.com', 'wide.com']
  for (let n = 0; sites.length < count; n++) sites.push(`target-${n}.com`)
  const values = {
    files: all(tables.links),
    siteFiles: all(tables.sites),
    sites: listValue(sites),
  }
  return {
    name: `bulk-domains, ${count.toLocaleString('en')} domains`,
    search: bulkDomains,
    input: { domains: sites.join('\n') },
    bare: { sql: totalsSql, values },
  }
}

/** The sites that link to competitors and not to the first target, in one query over all shards. */
const gapSql = `
  WITH hits AS (
    SELECT * FROM read_parquet($files) JOIN (SELECT unnest($sites) AS target) ON target = target_site WHERE kind <> 'metadata' AND source_site <> target)
  SELECT source_site, count(DISTINCT target) AS competitors, count(*) AS links, count(DISTINCT source_url) AS pages, max(source_rank) AS rank,
    min(source_web_rank), min(source_url), string_agg(DISTINCT target)
  FROM hits GROUP BY source_site HAVING NOT bool_or(target = $mine)
  ORDER BY competitors DESC, links DESC, pages DESC, rank DESC NULLS LAST, source_site LIMIT $limit`

function gapCase(mine: string, competitors: string[]): Case {
  const values = {
    files: all(tables.links),
    sites: listValue([mine, ...competitors]),
    mine,
    limit: 10_000,
  }
  return {
    name: `link-gap, ${competitors.length} competitors`,
    search: linkGap,
    input: { domain: mine, competitors: competitors.join('\n'), limit: 10_000 },
    bare: { sql: gapSql, values },
  }
}

/** The index contains nine of ten keywords in the list. */
async function listCase(count: number): Promise<Case> {
  const sample = `SELECT DISTINCT phrase FROM read_parquet($files) WHERE hash(phrase) % 97 = 1 LIMIT ${Math.ceil(count * 0.9)}`
  const known = (await connection.runAndReadAll(sample, { files: all(tables.phrases) }))
    .getRows()
    .map(([phrase]) => String(phrase))
  const phrases = [
    ...new Set(known),
    ...Array.from({ length: Math.floor(count / 10) }, (_, n) => `nothing ${n}`),
  ]
  const tokens = listValue(phrases.map((phrase) => longestToken(phrase.split(' '))))
  return {
    name: `keyword-metrics, ${count.toLocaleString('en')} keywords`,
    search: keywordMetrics,
    input: { keywords: phrases.join('\n') },
    bare: {
      sql: lookUpSql,
      values: { files: all(tables.phrases), tokens, phrases: listValue(phrases) },
    },
  }
}

const cases = [
  ...(['popular', 'wide', 'rare', 'absent'] as const).map(linkCase),
  ...(['popular', 'rare', 'absent'] as const).map(wordCase),
  bulkCase(10),
  bulkCase(1_000),
  gapCase('wide.com', ['popular.com', 'rare.com']),
  gapCase(
    'popular.com',
    Array.from({ length: 10 }, (_, n) => `target-${n}.com`),
  ),
  await listCase(1_000),
  await listCase(10_000),
]
const rss = () => `${Math.round(process.memoryUsage.rss() / 1e6)} MB`
const rssBefore = rss()
console.log(
  '| | rows | bare query, ms | first row, ms | end, ms | end ÷ bare | bar (1.5 × + 50 ms) |',
)
console.log('|---|---|---|---|---|---|---|')
for (const each of cases) {
  const [bare, first, end]: [number[], number[], number[]] = [[], [], []]
  let found = 0
  await runBare(each)
  await run(each)
  for (let round = 0; round < rounds(5); round++) {
    bare.push(await runBare(each))
    const result = await run(each)
    first.push(result.first)
    end.push(result.end)
    found = result.rows
  }
  const bar = median(bare) * 1.5 + 50
  const verdict = `${bar.toFixed(0)}: ${median(end) <= bar ? 'met' : '**missed**'}`
  const ratio = (median(end) / median(bare)).toFixed(2)
  console.log(
    `| ${each.name} | ${found.toLocaleString('en')} | ${spread(bare)} | ${spread(first)} | ${spread(end)} | × ${ratio} | ${verdict} |`,
  )
}

console.log('\n| 8 at once | alone, ms | each of 8, ms | ÷ alone |')
console.log('|---|---|---|---|')
for (const each of cases.filter(({ name }) => /popular|wide|rare/.test(name))) {
  const [alone, together]: [number[], number[]] = [[], []]
  for (let round = 0; round < rounds(5); round++) {
    alone.push((await run(each)).end)
    const eight = await Promise.all(Array.from({ length: 8 }, () => run(each)))
    together.push(...eight.map(({ end }) => end))
  }
  console.log(
    `| ${each.name} | ${spread(alone)} | ${spread(together)} | ${(median(together) / median(alone)).toFixed(1)} |`,
  )
}
console.log('\n| 40 aborts at different moments | ms until the search has ended | slowest |')
console.log('|---|---|---|')
for (const each of cases.filter(({ name }) => /popular|wide|10,000/.test(name))) {
  const { end } = await run(each)
  const took: number[] = []
  for (let n = 0; n < 40; n++) {
    const stop = new AbortController()
    let abortedAt = Number.NaN
    const timer = setTimeout(
      () => {
        abortedAt = performance.now()
        stop.abort(new Error('cancelled'))
      },
      (n / 40) * end,
    )
    await run(each, stop).catch(() => took.push(performance.now() - abortedAt))
    clearTimeout(timer)
  }
  console.log(`| ${each.name} | ${spread(took, 1)} | ${Math.max(...took).toFixed(0)} |`)
}
console.log(
  `\nRSS ${rssBefore} before, ${rss()} after. DuckDB’s limits: ${limits.memoryLimitMb} MB, ${limits.threads} threads.`,
)
connection.closeSync()
instance.closeSync()
engine.close()
if (!process.env.INDEX) rmSync(dir, { recursive: true, force: true })
