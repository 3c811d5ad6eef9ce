import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DuckDBInstance, DuckDBTimestampValue, type DuckDBValue, listValue } from '@duckdb/node-api'
import { afterAll, onTestFinished } from 'vitest'
import type { ParquetFile } from '#webindex/manifest.ts'
import type { DocumentLink, WebDocument } from '#webindex/pages/document.ts'
import type { Dataset, SourceItem } from '#webindex/source.ts'

/** A new folder, removed at the end of the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'searchlight-index-test-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A new folder for all tests of a file. Call it in `beforeAll`. */
export function sharedFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'searchlight-index-test-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** @param files content by path; anything but text is written as JSON. */
export function writeTree(folder: string, files: Record<string, unknown>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(
      join(folder, path),
      typeof content === 'string' ? content : JSON.stringify(content),
    )
  }
}

export function linkTo(href: string, facts: Partial<DocumentLink> = {}): DocumentLink {
  return { href, anchor: '', nofollow: false, kind: 'text', ...facts }
}

export function pageAt(
  url: string,
  links: (string | DocumentLink)[],
  facts: Partial<WebDocument> = {},
): WebDocument {
  const written = links.map((link) => (typeof link === 'string' ? linkTo(link) : link))
  return {
    url,
    title: url,
    words: 1,
    text: '',
    seenAt: new Date('2026-01-02T03:04:05.678Z'),
    source: 'fixture',
    links: written,
    ...facts,
  }
}

export async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = []
  for await (const item of items) all.push(item)
  return all
}

/** A dataset with the given items. */
export function sourceOf(
  name: string,
  items: Iterable<SourceItem> | AsyncIterable<SourceItem>,
  facts: Partial<Dataset> = {},
): Dataset {
  return {
    name,
    kind: 'html',
    bytes: null,
    async *items() {
      yield* items
    },
    ...facts,
  }
}

/** The pages that a dataset hands to a build. */
export async function pagesOf(dataset: Dataset): Promise<WebDocument[]> {
  const items = await collect(
    dataset.items({ signal: new AbortController().signal, onProgress() {} }),
  )
  return items.flatMap((item) => ('page' in item ? [item.page] : []))
}

export type Row = Record<string, unknown>

/** All rows of a table's files, file by file; times as ISO 8601. */
export async function readTable(dir: string, files: readonly ParquetFile[]): Promise<Row[]> {
  const rows: Row[] = []
  for (const file of files) {
    for (const row of await query('FROM read_parquet($files)', dir, [file])) {
      const plain = Object.entries(row).map(([name, value]) => [
        name,
        value instanceof DuckDBTimestampValue
          ? new Date(Number(value.micros / 1000n)).toISOString()
          : value,
      ])
      rows.push(Object.fromEntries(plain))
    }
  }
  return rows
}

/** `name TYPE` of each column. */
export async function columnsOf(dir: string, files: readonly ParquetFile[]): Promise<string[]> {
  const columns = await query('DESCRIBE FROM read_parquet($files)', dir, files)
  return columns.map(({ column_name, column_type }) => `${column_name} ${column_type}`)
}

async function query(
  sql: string,
  dir: string,
  files: readonly ParquetFile[],
): Promise<Record<string, DuckDBValue>[]> {
  const instance = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await instance.connect()
  try {
    const paths = listValue(files.map(({ file }) => join(dir, file)))
    return await (await connection.run(sql, { files: paths })).getRowObjects()
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}
