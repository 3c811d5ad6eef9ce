import { mkdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { type Manifest, type ParquetFile, publishManifest } from '#webindex/manifest.ts'

export interface GeneratedSize {
  links: number
  phrases: number
  shards: number
}

/**
 * Targets of the generated links, by how many links each has. All other links lead to
 * `target-<n>.com`.
 */
export const targets = {
  popular: 'popular.com',
  wide: 'wide.com',
  rare: 'rare.com',
  absent: 'absent.com',
}
/** Words of the generated phrases, by how many phrases have them. */
export const words = { popular: 'w3', rare: 'w39000', absent: 'nowhere' }

/**
 * Of 5 million links, 1 in 19 leads to the popular target, from 136,000 sites; 1 in 500 to the wide
 * one; about a dozen to the rare one.
 */
const links = ({ links: count }: GeneratedSize) => `
  WITH drawn AS (SELECT i, hash(i) AS h, hash(i + 1000000007) AS g FROM range(${count}) t(i)),
  ends AS (
    SELECT *,
      CASE WHEN i % 19 = 0 THEN 'popular.com' WHEN i % 500 = 1 THEN 'wide.com' WHEN i % (${count} // 12) = 2 THEN 'rare.com'
        ELSE 'target-' || (g % 90000) || '.com' END AS target,
      -- Half of the sources are a skewed choice, as on the web.
      'source-' || CASE WHEN h % 2 = 0 THEN h // 2 % 160000 ELSE (h // 2 % 160000) * (g // 7 % 1000) // 1000 END || '.com' AS source
    FROM drawn
  )
  SELECT 'https://' || source || '/page/' || (h // 11 % 40) AS source_url, source AS source_site, source AS source_host,
    'https://' || target || '/p/' || (g // 13 % 200) AS target_url, target AS target_host, target AS target_site,
    CASE WHEN h // 17 % 4 = 0 THEN '' ELSE 'anchor text ' || (h // 23 % 300) END AS anchor, g // 29 % 7 = 0 AS nofollow,
    CASE WHEN h // 31 % 9 = 0 THEN 'image' ELSE 'text' END AS kind, TIMESTAMP '2026-01-01' + to_days((h // 37 % 300)::INT) AS seen_at,
    (hash(source) % 1000) / 10.0 AS source_rank, CASE WHEN hash(source) % 3 = 0 THEN (hash(source) % 1000000)::UINTEGER END AS source_web_rank
  FROM ends`

const sites = `
  SELECT source_site AS site, 0::UBIGINT AS pages, 0::UBIGINT AS linking_sites, any_value(source_rank) AS rank, any_value(source_web_rank) AS web_rank
  FROM links GROUP BY source_site ORDER BY source_site`

/**
 * Phrases of one to four of 40,000 words, most of them with low numbers. One in twenty is in the
 * query log.
 */
const phrases = ({ phrases: count }: GeneratedSize) => `
  WITH drawn AS (
    SELECT i, list_transform(range(1 + (hash(i) % 10 // 3)::INT),
      lambda k: 'w' || floor(40000 * power((hash(i * 4 + k + 77) % 1000003) / 1000003.0, 3))::INT) AS tokens
    FROM range(${count}) t(i)
  ),
  -- A number that no search asks for makes phrases as diverse as those of a real index.
  diverse AS (SELECT i, CASE WHEN len(tokens) > 3 THEN tokens[1:3] ELSE tokens END || ['n' || (i // 3)] AS tokens FROM drawn)
  SELECT unnest(list_distinct(tokens)) AS token, array_to_string(tokens, ' ') AS phrase, len(tokens)::UTINYINT AS words,
    (2 + hash(i) % 900)::UBIGINT AS uses, (1 + hash(i) % 300)::UBIGINT AS pages, (1 + hash(i) % 90)::UBIGINT AS sites,
    (hash(i) % 40)::UBIGINT AS in_title, (hash(i) // 7 % 20)::UBIGINT AS in_anchor, (hash(i) // 7 % 4)::UBIGINT AS iaat,
    CASE WHEN i % 20 = 0 THEN (hash(i) % 5000)::UBIGINT END AS searches, CASE WHEN i % 20 = 0 THEN (hash(i) % 100)::UBIGINT END AS clicks,
    CASE WHEN i % 20 = 0 THEN (hash(i) % 400) / 10.0 END AS position
  FROM diverse`

/**
 * Writes a generation of made-up links and phrases in the schema of the index. SQL writes it,
 * because a build of this size would take too long.
 * @param dir an empty folder
 */
export async function writeGeneratedIndex(dir: string, size: GeneratedSize): Promise<Manifest> {
  const id = 'bench'
  const staging = join(dir, 'staging.duckdb')
  mkdirSync(join(dir, `gen-${id}`))
  const instance = await DuckDBInstance.create(staging, { memory_limit: '2GB', threads: '2' })
  const connection = await instance.connect()
  const countRows = async (from: string) =>
    Number((await connection.runAndReadAll(`SELECT count(*) FROM ${from}`)).getRows()[0]?.[0])

  async function write(table: string, select: string): Promise<ParquetFile> {
    const file = `gen-${id}/${table}.parquet`
    await connection.run(
      `COPY (${select}) TO '${join(dir, file)}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 20480)`,
    )
    return {
      file,
      rows: await countRows(`read_parquet('${join(dir, file)}')`),
      bytes: statSync(join(dir, file)).size,
    }
  }
  async function writeShards(
    table: string,
    key: string,
    order: string,
  ): Promise<{ shards: ParquetFile[] }> {
    const shards: ParquetFile[] = []
    for (let k = 0; k < size.shards; k++) {
      const rows = `SELECT * FROM ${table} WHERE hash(${key}) % ${size.shards} = ${k} ORDER BY ${order}`
      shards.push(await write(`${table}-${String(k).padStart(2, '0')}`, rows))
    }
    return { shards }
  }

  await connection.run(`CREATE TABLE links AS ${links(size)}`)
  await connection.run(`CREATE TABLE phrases AS ${phrases(size)}`)
  const counts = {
    pages: 0,
    links: size.links,
    externalLinks: size.links,
    sites: 0,
    targetSites: 0,
    phrases: size.phrases,
    edges: 0,
  }
  const manifest: Manifest = {
    format: 2,
    id,
    builtAt: '2026-01-01T00:00:00.000Z',
    sources: [],
    counts: { ...counts, queries: Math.floor(size.phrases / 20) },
    tables: {
      links: await writeShards(
        'links',
        'source_site',
        'target_site, target_host, target_url, source_site, source_url',
      ),
      phrases: await writeShards('phrases', 'phrase', 'token, phrase'),
      pages: { shards: [await write('pages', 'SELECT 1 AS nothing')] },
      sites: { shards: [await write('sites', sites)] },
    },
  }
  connection.closeSync()
  instance.closeSync()
  rmSync(staging)
  await publishManifest(dir, manifest)
  return manifest
}
