import { phraseOf } from '#webindex/pages/phrase-tokens.ts'

export type KeywordReading = { ok: true; phrase: string } | { ok: false; reason: string }

const [mostWords, mostCharacters] = [10, 200]

/**
 * What somebody typed as the index keeps phrases. The reason is a part of a sentence: “has no
 * letter or digit”.
 */
export function readKeyword(written: string): KeywordReading {
  if (written.length > mostCharacters)
    return { ok: false, reason: `has more than ${mostCharacters} characters` }
  if (!/[\p{L}\p{N}]/u.test(written)) return { ok: false, reason: 'has no letter or digit' }
  const phrase = phraseOf(written)
  if (phrase === '') return { ok: false, reason: 'has no word of a usual length' }
  if (phrase.split(' ').length > mostWords)
    return { ok: false, reason: `has more than ${mostWords} words` }
  return { ok: true, phrase }
}
