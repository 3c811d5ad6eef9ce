import { rm, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { DuckDBInstance, DuckDBTimestampValue } from '@duckdb/node-api'
import { z } from 'zod'
import type { WebDocument } from './document.ts'
import type { Manifest } from './manifest.ts'
import { runQuery } from './run-query.ts'
import { addressOf } from './web-address.ts'

/** `key` is the address as pages are compared; `target_url` is a key too, so links and pages join on them. */
const schema = `
  CREATE TABLE pages (
    url VARCHAR, key VARCHAR, site VARCHAR, host VARCHAR, title VARCHAR, words UINTEGER, source VARCHAR, seen_at TIMESTAMP);
  CREATE TABLE links (
    source_url VARCHAR, source_site VARCHAR, source_host VARCHAR, target_url VARCHAR, target_host VARCHAR, target_site VARCHAR,
    anchor VARCHAR, nofollow BOOLEAN, kind VARCHAR, seen_at TIMESTAMP);`

const Counts = z.object({
  pages: z.number(),
  links: z.number(),
  externalLinks: z.number(),
  sites: z.number(),
  targetSites: z.number(),
})
const Source = z.object({ name: z.string(), pages: z.number() })
const RowCount = z.object({ rows: z.number() })

/** Gathers the rows of a generation, then writes them as Parquet. They wait in a file, not in memory: a build may be large. */
export async function openTables({ folder, shards, memoryLimitMb }: { folder: string; shards: number; memoryLimitMb: number }) {
  const draft = join(folder, 'draft.duckdb')
  const instance = await DuckDBInstance.create(draft, { memory_limit: `${memoryLimitMb}MB`, threads: '2' })
  const connection = await instance.connect()
  await connection.run(schema)
  const pages = await connection.createAppender('pages')
  const links = await connection.createAppender('links')
  const untilDone = new AbortController().signal

  async function read<Shape extends z.ZodObject>(shape: Shape, sql: string): Promise<z.output<Shape>[]> {
    return z.array(shape).parse(await (await runQuery(connection, sql, {}, untilDone)).getRowObjectsJS())
  }

  /** @param select rows in their final order. Row groups are kept small, so that a search for a rare target skips most of a file. */
  async function copy(name: string, select: string, signal: AbortSignal) {
    const path = join(folder, `${name}.parquet`)
    const to = path.replaceAll("'", "''") // The only value that COPY takes no parameter for.
    await runQuery(connection, `COPY (${select}) TO '${to}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 20480)`, {}, signal)
    const [counted] = await read(RowCount, `SELECT num_rows::DOUBLE AS rows FROM parquet_file_metadata('${to}')`)
    return { file: `${basename(folder)}/${name}.parquet`, rows: counted?.rows ?? 0, bytes: (await stat(path)).size }
  }

  return {
    /** Adds a page with its links; what is not on the public web, and links of a page to itself, are passed over. */
    add(document: WebDocument): void {
      const from = addressOf(document.url)
      if (!from) return
      const seenAt = new DuckDBTimestampValue(BigInt(document.seenAt.getTime()) * 1000n)
      for (const text of [from.url, from.key, from.site, from.host, document.title]) pages.appendVarchar(text)
      pages.appendUInteger(document.words)
      pages.appendVarchar(document.source)
      pages.appendTimestamp(seenAt)
      pages.endRow()
      for (const link of document.links) {
        const to = addressOf(link.href)
        if (!to || to.key === from.key) continue
        for (const text of [from.url, from.site, from.host, to.key, to.host, to.site, link.anchor]) links.appendVarchar(text)
        links.appendBoolean(link.nofollow)
        links.appendVarchar(link.kind)
        links.appendTimestamp(seenAt)
        links.endRow()
      }
    },

    async count(): Promise<Manifest['counts']> {
      pages.flushSync()
      links.flushSync()
      const [counts] = await read(
        Counts,
        `SELECT (SELECT count(*) FROM pages)::DOUBLE AS pages, count(*)::DOUBLE AS links,
           (count(*) FILTER (source_site <> target_site))::DOUBLE AS "externalLinks",
           (SELECT count(DISTINCT site) FROM pages)::DOUBLE AS sites,
           (count(DISTINCT target_site) FILTER (source_site <> target_site))::DOUBLE AS "targetSites"
         FROM links`,
      )
      return Counts.parse(counts)
    },

    async sources(): Promise<Manifest['sources']> {
      return read(Source, 'SELECT source AS name, count(*)::DOUBLE AS pages FROM pages GROUP BY source ORDER BY pages DESC, name')
    },

    /**
     * Links go by hash of their source's site, so all links of one referring site are in one shard and its row is final when that shard is read;
     * within a shard by target, so a search reads only its own stretch.
     */
    async write(signal: AbortSignal): Promise<Manifest['tables']> {
      const linkShards = []
      for (let k = 0; k < shards; k++) {
        const rows = `SELECT * FROM links WHERE hash(source_site) % ${shards} = ${k} ORDER BY target_site, target_host, target_url, source_site, source_url`
        linkShards.push(await copy(`links-${String(k).padStart(2, '0')}`, rows, signal))
      }
      return {
        pages: { shards: [await copy('pages', 'SELECT * FROM pages ORDER BY key', signal)] },
        links: { shards: linkShards },
      }
    },

    async close(): Promise<void> {
      pages.closeSync()
      links.closeSync()
      connection.closeSync()
      instance.closeSync()
      for (const file of [draft, `${draft}.wal`, `${draft}.tmp`]) await rm(file, { recursive: true, force: true })
    },
  }
}
