/**
 * The tables with the rows of one dataset. `n` numbers its pages in the order in which they were
 * read. In `…_tokens`, spaces separate tokens and line breaks separate segments (phrase-tokens.ts).
 */
export const sourceTables = {
  pages: `
    n UBIGINT, url VARCHAR, key VARCHAR, site VARCHAR, host VARCHAR, title VARCHAR, words UINTEGER, source VARCHAR, seen_at TIMESTAMP,
    title_tokens VARCHAR, text_tokens VARCHAR`,
  links: `
    n UBIGINT, target_url VARCHAR, target_host VARCHAR, target_site VARCHAR, anchor VARCHAR, anchor_tokens VARCHAR, nofollow BOOLEAN, kind VARCHAR`,
  queries: 'phrase VARCHAR, searches UBIGINT, clicks UBIGINT, position DOUBLE',
  edges: 'source_site VARCHAR, target_site VARCHAR, linking_pages UBIGINT, target_pages UBIGINT',
  ranks: 'site VARCHAR, position UINTEGER',
  reported: `
    source_url VARCHAR, source_key VARCHAR, source_site VARCHAR, source_host VARCHAR, target_url VARCHAR, target_host VARCHAR, target_site VARCHAR,
    seen_at TIMESTAMP`,
} as const
export const sourceTableNames = ['pages', 'links', 'queries', 'edges', 'ranks', 'reported'] as const
export type SourceTableName = (typeof sourceTableNames)[number]

/** Numbers of rows read, repeated pages included. */
export interface RowsRead extends Record<SourceTableName, number> {
  /** Readable rows that the import did not ask for. */
  passed: number
  bad: number
}

export const nothingRead: Readonly<RowsRead> = {
  pages: 0,
  links: 0,
  queries: 0,
  edges: 0,
  ranks: 0,
  reported: 0,
  passed: 0,
  bad: 0,
}
