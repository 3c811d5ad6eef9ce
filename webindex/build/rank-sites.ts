import { setImmediate } from 'node:timers/promises'
import { DuckDBUIntegerVector } from '@duckdb/node-api'
import { z } from 'zod'
import { pageRank } from './page-rank.ts'
import type { Staging } from './staging.ts'

const Size = z.object({ nodes: z.number(), pairs: z.number() })

/**
 * Fills `sites` (schema.ts) from the staging's `pages`, `links`, `all_edges` and `web_ranks`. All
 * links between two sites count once; `metadata` links don't count. A site known only from an
 * imported ranking gets no rank of ours.
 */
export async function rankSites(
  staging: Staging,
  { signal, onRound }: { signal: AbortSignal; onRound(done: number): void },
): Promise<void> {
  await staging.run(`
    CREATE TABLE nodes AS SELECT site, (row_number() OVER () - 1)::UINTEGER AS node FROM (
      SELECT site FROM pages UNION SELECT source_site FROM links UNION SELECT target_site FROM links
      UNION SELECT source_site FROM all_edges UNION SELECT target_site FROM all_edges)`)
  await staging.run(`
    CREATE TABLE pairs AS SELECT f.node AS from_node, t.node AS to_node FROM (
      SELECT source_site, target_site FROM links WHERE kind <> 'metadata' AND source_site <> target_site
      UNION SELECT source_site, target_site FROM all_edges)
    JOIN nodes f ON f.site = source_site JOIN nodes t ON t.site = target_site`)
  await staging.run('CREATE TABLE site_ranks (node UINTEGER, page_rank DOUBLE)')

  const graph = await readPairs(staging, signal)
  const ranks = await pageRank(graph, { signal, onRound })
  await appendRanks(staging, ranks, signal)

  // Rounded to a millionth of the average: the order of summation makes equal ranks differ.
  await staging.run(`
    CREATE TABLE sites AS
    WITH ranked AS (
      SELECT node, round(100.0 * (rank() OVER (ORDER BY round(page_rank * ${graph.nodes}, 6)) - 1) / ${graph.nodes}, 1) AS rank FROM site_ranks),
    held AS (SELECT site, count(*) AS pages FROM pages GROUP BY site),
    linked AS (SELECT to_node AS node, count(*) AS linking_sites FROM pairs GROUP BY to_node)
    SELECT coalesce(nodes.site, web_ranks.site) AS site, coalesce(held.pages, 0)::UBIGINT AS pages,
      coalesce(linking_sites, 0)::UBIGINT AS linking_sites, ranked.rank, web_ranks.position AS web_rank
    FROM nodes JOIN ranked USING (node) LEFT JOIN linked USING (node) LEFT JOIN held ON held.site = nodes.site
    FULL JOIN web_ranks ON web_ranks.site = nodes.site`)
  for (const table of ['nodes', 'site_ranks', 'pairs']) await staging.run(`DROP TABLE ${table}`)
}

async function readPairs(staging: Staging, signal: AbortSignal) {
  const [size] = await staging.read(
    Size,
    'SELECT (SELECT count(*) FROM nodes)::DOUBLE AS nodes, (SELECT count(*) FROM pairs)::DOUBLE AS pairs',
  )
  const { nodes, pairs } = Size.parse(size)
  const from = new Uint32Array(pairs)
  const to = new Uint32Array(pairs)
  let filled = 0
  const result = await staging.connection.stream('SELECT from_node, to_node FROM pairs')
  for (
    let chunk = await result.fetchChunk();
    chunk && chunk.rowCount > 0;
    chunk = await result.fetchChunk()
  ) {
    signal.throwIfAborted()
    const [fromColumn, toColumn] = [chunk.getColumnVector(0), chunk.getColumnVector(1)]
    if (!(fromColumn instanceof DuckDBUIntegerVector && toColumn instanceof DuckDBUIntegerVector))
      break
    for (let row = 0; row < chunk.rowCount; row++, filled++) {
      from[filled] = fromColumn.getItem(row) ?? 0
      to[filled] = toColumn.getItem(row) ?? 0
    }
  }
  if (filled !== pairs)
    throw new Error(`The graph of sites has ${pairs} edges, but only ${filled} could be read`)
  return { nodes, from, to }
}

async function appendRanks(
  { connection }: Staging,
  ranks: Float64Array,
  signal: AbortSignal,
): Promise<void> {
  const appender = await connection.createAppender('site_ranks')
  try {
    for (const [node, rank] of ranks.entries()) {
      appender.appendUInteger(node)
      appender.appendDouble(rank)
      appender.endRow()
      if (node % 10_000 > 0) continue
      await setImmediate()
      signal.throwIfAborted()
    }
  } finally {
    appender.closeSync()
  }
}
