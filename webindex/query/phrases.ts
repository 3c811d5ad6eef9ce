import { z } from 'zod'
import { byCodePoint } from './top-rows.ts'

const count = z.number().int().nonnegative()

/**
 * A phrase with its counts; schema.ts defines them. Counts over pages are null for queries of more
 * than four words, which are not counted.
 */
export const Phrase = z.object({
  phrase: z.string(),
  words: count,
  uses: count.nullable(),
  pages: count.nullable(),
  sites: count.nullable(),
  inTitle: count.nullable(),
  inAnchor: count.nullable(),
  iaat: count.nullable(),
  /** This and the next two are null if no query log has the phrase. */
  searches: count.nullable(),
  clicks: count.nullable(),
  position: z.number().nullable(),
})
export type Phrase = z.infer<typeof Phrase>

/**
 * The columns of a `Phrase`, `iaat` excepted. The counts are cast because they are stored as 64-bit integers, which
 * JavaScript would read as bigints.
 */
export const phraseColumns = `
  phrase, words, uses::DOUBLE AS uses, pages::DOUBLE AS pages, sites::DOUBLE AS sites, in_title::DOUBLE AS "inTitle",
  in_anchor::DOUBLE AS "inAnchor", searches::DOUBLE AS searches, clicks::DOUBLE AS clicks, position`

type RankedPhrase = Pick<Phrase, 'searches' | 'sites' | 'pages' | 'uses' | 'phrase'>

/** Searches, then sites, then pages, then uses: most first. An unknown number counts as 0. */
export function comparePhrases(a: RankedPhrase, b: RankedPhrase): number {
  return (
    (b.searches ?? 0) - (a.searches ?? 0) ||
    (b.sites ?? 0) - (a.sites ?? 0) ||
    (b.pages ?? 0) - (a.pages ?? 0) ||
    (b.uses ?? 0) - (a.uses ?? 0) ||
    byCodePoint(a.phrase, b.phrase)
  )
}

/** The token that probably has the fewest rows: long words are rare. */
export function longestToken(tokens: readonly string[]): string {
  return tokens.reduce((best, token) => (token.length > best.length ? token : best), '')
}
