import { phraseOf } from '#webindex/pages/phrase-tokens.ts'

export type ParsedKeyword = { ok: true; phrase: string } | { ok: false; reason: string }

const maxWords = 10
const maxCharacters = 200

/**
 * Turns a typed keyword into a phrase as the index stores it. `reason` is a sentence fragment: “has
 * no letter or digit”.
 */
export function parseKeyword(written: string): ParsedKeyword {
  if (written.length > maxCharacters)
    return { ok: false, reason: `has more than ${maxCharacters} characters` }
  if (!/[\p{L}\p{N}]/u.test(written)) return { ok: false, reason: 'has no letter or digit' }
  const phrase = phraseOf(written)
  if (phrase === '') return { ok: false, reason: 'has only words too long to index' }
  if (phrase.split(' ').length > maxWords)
    return { ok: false, reason: `has more than ${maxWords} words` }
  return { ok: true, phrase }
}
