/**
 * The tables of a generation, each in one or more Parquet files listed in the manifest. `key`
 * identifies a page (web-address.ts). A phrase is its tokens joined by spaces (phrase-tokens.ts).
 */
export const schema = {
  /** One row per page, from the dataset added last that has it. One file, sorted by key. */
  pages: `
    url VARCHAR, key VARCHAR, site VARCHAR, host VARCHAR, title VARCHAR, words UINTEGER, source VARCHAR, seen_at TIMESTAMP`,

  /**
   * The links of those pages, in shards by hash of `source_site`, each sorted by target.
   * `target_url` is a key. Links of kind `metadata` were declared, not seen on a page. For links of
   * kind `reported`, only the source page and the target's site are known. `source_rank`: 0…100,
   * the percentage of the index's sites with a lower PageRank. `source_web_rank`: 1 is the best;
   * null if no imported ranking has the site.
   */
  links: `
    source_url VARCHAR, source_site VARCHAR, source_host VARCHAR, target_url VARCHAR, target_host VARCHAR, target_site VARCHAR,
    anchor VARCHAR, nofollow BOOLEAN, kind VARCHAR, seen_at TIMESTAMP, source_rank DOUBLE, source_web_rank UINTEGER`,

  /**
   * Pairs of sites whose link is known only from a domain graph or a table of referring domains.
   * Shards and order are those of `links`. Absent if no dataset has edges.
   */
  edges: `
    source_site VARCHAR, target_site VARCHAR, linking_pages UBIGINT, target_pages UBIGINT, source_rank DOUBLE, source_web_rank UINTEGER`,

  /**
   * Phrases of one to four tokens, and queries of any length, in shards by hash of the phrase, each
   * sorted by token, then phrase. A phrase has one row for each of its distinct tokens, so all
   * phrases with a given word are adjacent.
   *
   * `uses`: occurrences in titles and texts. The others count distinct pages and sites: `pages` and
   * `sites` with the phrase in title or text, `in_title` pages with it in the title, `in_anchor`
   * pages with it in the anchor text of a link from another page, `iaat` pages with both. All of
   * these are null for queries of more than four tokens, which are not counted. `searches`,
   * `clicks` and `position` are null if no query log has the phrase.
   */
  phrases: `
    token VARCHAR, phrase VARCHAR, words UTINYINT, uses UBIGINT, pages UBIGINT, sites UBIGINT, in_title UBIGINT, in_anchor UBIGINT, iaat UBIGINT,
    searches UBIGINT, clicks UBIGINT, position DOUBLE`,

  /**
   * Every site that has pages here, links, is linked to or is ranked. `linking_sites` counts its
   * referring domains. One file, sorted by site.
   */
  sites: `
    site VARCHAR, pages UBIGINT, linking_sites UBIGINT, rank DOUBLE, web_rank UINTEGER`,
} as const
