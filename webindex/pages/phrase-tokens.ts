/** Scripts that put no spaces between words. */
const unspaced =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u
/**
 * First group, a token: letters and digits, apostrophes within a word, the signs of `c++` and `c#`.
 * Second group: a mark that ends a segment.
 */
const tokenOrEnd =
  /([\p{L}\p{N}\p{M}]+(?:['’][\p{L}\p{M}]+)*(?:\+\+|#)?)|([.!?…。！？](?=\s|$|["'”’)])|[;:()[\]{}"“”«»|•·、，,]|\s[-–—]\s|\n)/gu
const wordSegmenter = new Intl.Segmenter(undefined, { granularity: 'word' })
/** Characters. Longer tokens are not words: a hash, a data URL, a row of a table. */
const maxTokenLength = 64

/**
 * Splits a text into segments that no phrase crosses (sentences, brackets, list items), each a list
 * of tokens: lower case, Unicode-normalised (NFKC). `Node.js` and `node-js` are two tokens;
 * `don’t`, `c++` and `c#` are one. Scripts without spaces are split at Unicode word boundaries
 * (ICU).
 */
export function phraseTokens(text: string): string[][] {
  const segments: string[][] = []
  let tokens: string[] = []
  const endSegment = () => {
    if (tokens.length > 0) segments.push(tokens)
    tokens = []
  }
  for (const [, token, ending] of text.normalize('NFKC').toLowerCase().matchAll(tokenOrEnd)) {
    if (ending !== undefined) endSegment()
    else if (token === undefined) continue
    else if (unspaced.test(token)) {
      for (const { segment: word, isWordLike } of wordSegmenter.segment(token))
        if (isWordLike) tokens.push(word)
    } else if (token.length > maxTokenLength) endSegment()
    else tokens.push(token.replaceAll('’', "'"))
  }
  endSegment()
  return segments
}

/** All tokens of a user's text as one phrase, joined by spaces; '' if it has none. */
export function phraseOf(written: string): string {
  return phraseTokens(written).flat().join(' ')
}
