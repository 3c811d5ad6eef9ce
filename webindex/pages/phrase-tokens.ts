/** Scripts that are written without spaces between words. */
const unspaced =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u
/**
 * Letters and digits, apostrophes within a word, and the signs of `c++` and `c#`; or whatever ends
 * a stretch that phrases may run over.
 */
const tokenOrEnd =
  /([\p{L}\p{N}\p{M}]+(?:['’][\p{L}\p{M}]+)*(?:\+\+|#)?)|([.!?…。！？](?=\s|$|["'”’)])|[;:()[\]{}"“”«»|•·、，,]|\s[-–—]\s|\n)/gu
const words = new Intl.Segmenter(undefined, { granularity: 'word' })
/** Longer ones are no words: a hash, a data URL, a row of a table. */
const longestToken = 64

/**
 * The tokens of a text as phrases are made of them: lower case, Unicode-normalised (NFKC), in
 * stretches that no phrase runs over (sentences, brackets, list items). `Node.js` and `node-js` are
 * two tokens, `don’t`, `c++` and `c#` one each. Where a script has no spaces, words are as Unicode
 * segments them (ICU).
 */
export function phraseTokens(text: string): string[][] {
  const stretches: string[][] = []
  let stretch: string[] = []
  const end = () => {
    if (stretch.length > 0) stretches.push(stretch)
    stretch = []
  }
  for (const [, token, ending] of text.normalize('NFKC').toLowerCase().matchAll(tokenOrEnd)) {
    if (ending !== undefined) end()
    else if (token === undefined) continue
    else if (unspaced.test(token)) {
      for (const { segment, isWordLike } of words.segment(token))
        if (isWordLike) stretch.push(segment)
    } else if (token.length > longestToken) end()
    else stretch.push(token.replaceAll('’', "'"))
  }
  end()
  return stretches
}

/**
 * One phrase out of what somebody typed: all of its tokens, joined by spaces; '' when it has none.
 */
export function phraseOf(written: string): string {
  return phraseTokens(written).flat().join(' ')
}
