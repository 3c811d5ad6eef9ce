/**
 * The tables of a generation, each in one or more Parquet files that its manifest names. `key` is
 * an address as pages are compared (web-address.ts), a phrase is its tokens joined by spaces
 * (phrase-tokens.ts).
 */
export const schema = {
  /** One row per page, whichever source was added last tells it. In one file, by key. */
  pages: `
    url VARCHAR, key VARCHAR, site VARCHAR, host VARCHAR, title VARCHAR, words UINTEGER, source VARCHAR, seen_at TIMESTAMP`,

  /**
   * Links from those pages, by hash of the source's site, within a file by target. `target_url` is
   * a key. Links of kind `metadata` were declared, nobody saw them on a page; of those of kind
   * `reported` only the linking page and the target's site are known. `source_rank`: 0…100, the
   * share of the index's sites whose PageRank is lower. `source_web_rank`: 1 is the first, null
   * where no imported ranking has it.
   */
  links: `
    source_url VARCHAR, source_site VARCHAR, source_host VARCHAR, target_url VARCHAR, target_host VARCHAR, target_site VARCHAR,
    anchor VARCHAR, nofollow BOOLEAN, kind VARCHAR, seen_at TIMESTAMP, source_rank DOUBLE, source_web_rank UINTEGER`,

  /**
   * Sites of which only a graph or a table says that they link, in as many files as links, by the
   * same hash and order. Absent where no source tells any.
   */
  edges: `
    source_site VARCHAR, target_site VARCHAR, linking_pages UBIGINT, target_pages UBIGINT, source_rank DOUBLE, source_web_rank UINTEGER`,

  /**
   * Phrases of one to four tokens, and queries of any length. By hash of the phrase; within a file
   * by token, then phrase: a row for each different token of a phrase, so that a word finds all
   * phrases that hold it in one stretch. Counts are over different pages: `pages` and `sites` with
   * the phrase in title or text, `in_title`, `in_anchor`: pages with it in the text of a link that
   * leads to them from another page, `iaat`: pages with both. `uses`: occurrences in titles and
   * texts. All are null for a query of more than four tokens: so long a phrase is not counted.
   * `searches`, `clicks`, `position` are null where no query log has the phrase.
   */
  phrases: `
    token VARCHAR, phrase VARCHAR, words UTINYINT, uses UBIGINT, pages UBIGINT, sites UBIGINT, in_title UBIGINT, in_anchor UBIGINT, iaat UBIGINT,
    searches UBIGINT, clicks UBIGINT, position DOUBLE`,

  /** Every site that has pages here, links, is linked to or is ranked. In one file, by site. */
  sites: `
    site VARCHAR, pages UBIGINT, linking_sites UBIGINT, rank DOUBLE, web_rank UINTEGER`,
} as const
