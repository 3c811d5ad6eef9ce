/**
 * Selects the segments of text (phrase-tokens.ts), each as a list `t` of its tokens.
 * @param columns the columns to keep of each row
 * @param rows a query with a column `tokens` (source-tables.ts)
 */
const segments = (columns: string, rows: string) =>
  `SELECT ${columns}, string_split(unnest(string_split(tokens, chr(10))), ' ') AS t FROM (${rows}) WHERE tokens <> ''`

/** Selects each token `a` and the next three, `b`, `c`, `d`: null after the segment's end. */
const windows = (columns: string, rows: string) => `
  SELECT * FROM (
    SELECT ${columns}, unnest(t) AS a, unnest(t[2:]) AS b, unnest(t[3:]) AS c, unnest(t[4:]) AS d FROM (${segments(columns, rows)}))
  WHERE a IS NOT NULL`

const hashes = [
  'hash(a)',
  'CASE WHEN b IS NOT NULL THEN hash(a, b) END',
  'CASE WHEN c IS NOT NULL THEN hash(a, b, c) END',
  'CASE WHEN d IS NOT NULL THEN hash(a, b, c, d) END',
]

/**
 * Selects the hash `h` of every occurrence of a phrase of one to four tokens. Counting 64-bit hashes
 * is several times faster than counting texts. Among 100 million distinct phrases, the probability
 * that any two have the same hash is 1 in 3,700.
 */
export function phraseHashes(columns: string, rows: string): string {
  return `SELECT * FROM (SELECT ${columns}, unnest([${hashes.join(', ')}]) AS h FROM (${windows(columns, rows)})) WHERE h IS NOT NULL`
}

/** Selects `h` and `phrase` of each distinct phrase whose hash is in the table `wanted`. */
export function phraseTexts(rows: string, wanted: string): string {
  const upTo = ['b', 'c', 'd'].map((column, n) => `CASE WHEN words > ${n + 1} THEN ${column} END`)
  // DISTINCT can spill many texts to disk; any_value would keep all of them in memory.
  return `
    SELECT DISTINCT h, concat_ws(' ', a, ${upTo.join(', ')}) AS phrase
    FROM (SELECT a, b, c, d, unnest([${hashes.join(', ')}]) AS h, unnest([1, 2, 3, 4]) AS words FROM (${windows('1 AS one', rows)}))
    SEMI JOIN ${wanted} USING (h)`
}

/**
 * An expression for the hash of one phrase, the same as in `phraseHashes`; null for more than four
 * tokens.
 * @param list an expression for the list of its tokens
 */
export function phraseHash(list: string): string {
  const parts = [1, 2, 3, 4].map((n) => `${list}[${n}]`)
  return `CASE len(${list}) ${parts.map((_, n) => `WHEN ${n + 1} THEN hash(${parts.slice(0, n + 1).join(', ')})`).join(' ')} END`
}
