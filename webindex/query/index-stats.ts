import { join, resolve } from 'node:path'
import { DuckDBInstance, type DuckDBValue, listValue } from '@duckdb/node-api'
import { z } from 'zod'
import { leaseLiveGeneration } from '../leases.ts'
import { type ParquetFile, sizeOf } from '../manifest.ts'
import { runQuery } from '../run-query.ts'
import type { Generation } from './engine.ts'

const TopTarget = z.object({ site: z.string(), sites: z.number(), links: z.number() })
const TopPhrase = z.object({ phrase: z.string(), pages: z.number(), sites: z.number() })

export interface IndexStats extends Generation {
  /** The ten sites with the most referring domains; `metadata` links are not counted. */
  topTargets: z.infer<typeof TopTarget>[]
  /** The ten phrases of two to four tokens that are on pages of the most sites. */
  topPhrases: z.infer<typeof TopPhrase>[]
}

const topTargets = `
  SELECT target_site AS site, count(DISTINCT source_site)::DOUBLE AS sites, count(*)::DOUBLE AS links
  FROM read_parquet($files) WHERE source_site <> target_site AND kind <> 'metadata'
  GROUP BY target_site ORDER BY sites DESC, links DESC, site LIMIT 10`

const topPhrases = `
  SELECT phrase, any_value(pages)::DOUBLE AS pages, any_value(sites)::DOUBLE AS sites
  FROM read_parquet($files) WHERE words BETWEEN 2 AND 4 AND sites > 0
  GROUP BY phrase ORDER BY sites DESC, pages DESC, phrase LIMIT 10`

/** Statistics of the live generation. @throws {NoIndex} @throws {BrokenIndex} */
export async function readStats(
  dir: string,
  { signal }: { signal: AbortSignal },
): Promise<IndexStats> {
  const root = resolve(dir)
  const { manifest, end } = await leaseLiveGeneration(root)
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: '512MB',
    threads: '2',
    temp_directory: '',
  })
  const connection = await instance.connect()
  async function read<Shape extends z.ZodObject>(
    shape: Shape,
    sql: string,
    files: ParquetFile[],
  ): Promise<z.output<Shape>[]> {
    const values: Record<string, DuckDBValue> = {
      files: listValue(files.map(({ file }) => join(root, file))),
    }
    return z
      .array(shape)
      .parse(await (await runQuery(connection, sql, values, signal)).getRowObjectsJS())
  }
  try {
    const { id, builtAt, sources, counts, tables } = manifest
    return {
      id,
      builtAt,
      sources,
      counts,
      bytes: sizeOf(manifest),
      topTargets: await read(TopTarget, topTargets, tables.links.shards),
      topPhrases: await read(TopPhrase, topPhrases, tables.phrases.shards),
    }
  } finally {
    connection.closeSync()
    instance.closeSync()
    await end()
  }
}
