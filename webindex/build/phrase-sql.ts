/**
 * A stretch of text that no phrase runs over, as a list of its tokens.
 * @param rows have `tokens`;
 * @param columns what each keeps of its row.
 */
const stretches = (columns: string, rows: string) =>
  `SELECT ${columns}, string_split(unnest(string_split(tokens, chr(10))), ' ') AS t FROM (${rows}) WHERE tokens <> ''`

/** Each token with the three that follow it, null past the end of the stretch. */
const runs = (columns: string, rows: string) => `
  SELECT * FROM (
    SELECT ${columns}, unnest(t) AS a, unnest(t[2:]) AS b, unnest(t[3:]) AS c, unnest(t[4:]) AS d FROM (${stretches(columns, rows)}))
  WHERE a IS NOT NULL`

const hashes = [
  'hash(a)',
  'CASE WHEN b IS NOT NULL THEN hash(a, b) END',
  'CASE WHEN c IS NOT NULL THEN hash(a, b, c) END',
  'CASE WHEN d IS NOT NULL THEN hash(a, b, c, d) END',
]

/**
 * The phrases of one to four tokens in `tokens`, as `h`, once for each time that they occur. While
 * they are counted, phrases are 64-bit hashes: several times quicker than texts, and among 100
 * million different ones the chance that any two are taken for one is 1 in 3,700.
 */
export function phraseHashes(columns: string, rows: string): string {
  return `SELECT * FROM (SELECT ${columns}, unnest([${hashes.join(', ')}]) AS h FROM (${runs(columns, rows)})) WHERE h IS NOT NULL`
}

/**
 * The text of those phrases in `tokens` whose hash is in the table `wanted`, as `h` and `phrase`,
 * each once.
 */
export function phraseTexts(rows: string, wanted: string): string {
  const upTo = ['b', 'c', 'd'].map((column, n) => `CASE WHEN words > ${n + 1} THEN ${column} END`)
  // DISTINCT spills its texts to disk where there are many; any_value would keep them in memory.
  return `
    SELECT DISTINCT h, concat_ws(' ', a, ${upTo.join(', ')}) AS phrase
    FROM (SELECT a, b, c, d, unnest([${hashes.join(', ')}]) AS h, unnest([1, 2, 3, 4]) AS words FROM (${runs('1 AS one', rows)}))
    SEMI JOIN ${wanted} USING (h)`
}

/** The hash of one phrase of at most four tokens, as above. @param list SQL of its tokens. */
export function phraseHash(list: string): string {
  const parts = [1, 2, 3, 4].map((n) => `${list}[${n}]`)
  return `CASE len(${list}) ${parts.map((_, n) => `WHEN ${n + 1} THEN hash(${parts.slice(0, n + 1).join(', ')})`).join(' ')} END`
}
