import { join } from 'node:path'
import { DuckDBInstance, listValue } from '@duckdb/node-api'
import { z } from 'zod'
import type { Generation } from './engine.ts'
import { readManifest, sizeOf } from './manifest.ts'
import { runQuery } from './run-query.ts'

const TopTarget = z.object({ site: z.string(), sites: z.number(), links: z.number() })

export interface IndexStats extends Generation {
  /** The ten sites that most other sites link to; links that were only declared are not counted. */
  topTargets: z.infer<typeof TopTarget>[]
}

const topTargets = `
  SELECT target_site AS site, count(DISTINCT source_site)::DOUBLE AS sites, count(*)::DOUBLE AS links
  FROM read_parquet($files) WHERE source_site <> target_site AND kind <> 'metadata'
  GROUP BY target_site ORDER BY sites DESC, links DESC, site LIMIT 10`

/** What the live generation holds. @throws {NoIndex} @throws {BrokenIndex} */
export async function readStats(dir: string, { signal }: { signal: AbortSignal }): Promise<IndexStats> {
  const manifest = await readManifest(dir)
  const instance = await DuckDBInstance.create(':memory:', { memory_limit: '512MB', threads: '2', temp_directory: '' })
  const connection = await instance.connect()
  try {
    const files = manifest.tables.links.shards.map((shard) => join(dir, shard.file))
    const result = await runQuery(connection, topTargets, { files: listValue(files) }, signal)
    const { id, builtAt, sources, counts } = manifest
    const tops = z.array(TopTarget).parse(await result.getRowObjectsJS())
    return { id, builtAt, sources, counts, bytes: sizeOf(manifest), topTargets: tops }
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}
