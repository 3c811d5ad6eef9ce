import { expect, test } from 'vitest'
import { phraseOf, phraseTokens } from '#webindex/pages/phrase-tokens.ts'

test.each([
  ['Node.js and node-js', [['node', 'js', 'and', 'node', 'js']]],
  ['C++, C# and F#', [['c++'], ['c#', 'and', 'f#']]],
  [
    "Don’t panic, it's the dogs' bowl",
    [
      ["don't", 'panic'],
      ["it's", 'the', 'dogs', 'bowl'],
    ],
  ],
  [
    'One sentence. Another one! And 3.5 more?',
    [
      ['one', 'sentence'],
      ['another', 'one'],
      ['and', '3', '5', 'more'],
    ],
  ],
  ['a (b c) d: e; f', [['a'], ['b', 'c'], ['d'], ['e'], ['f']]],
  ['first item\nsecond - third', [['first', 'item'], ['second'], ['third']]],
  ['ＦＵＬＬ　width ﬁne', [['full', 'width', 'fine']]],
  ['Straße ÉCOLE naïve', [['straße', 'école', 'naïve']]],
  ['हिन्दी भाषा', [['हिन्दी', 'भाषा']]],
  ['  …  ', []],
  ['', []],
])('the segments of %j are %j', (text, segments) => {
  expect(phraseTokens(text)).toEqual(segments)
})

test('words of scripts without spaces are separate tokens', () => {
  const [segment] = phraseTokens('東京都に住んでいます')
  expect(segment?.length).toBeGreaterThan(2)
  expect(segment?.join('')).toBe('東京都に住んでいます')
})

test('an overlong token is dropped and ends the segment', () => {
  expect(phraseTokens(`one ${'x'.repeat(64)} two`)).toEqual([['one', 'x'.repeat(64), 'two']])
  expect(phraseTokens(`one ${'x'.repeat(65)} two`)).toEqual([['one'], ['two']])
})

test('typed text becomes one phrase, whatever punctuation it has', () => {
  expect(phraseOf(' Redis:  “in memory” (fast) ')).toBe('redis in memory fast')
  expect(phraseOf('?!')).toBe('')
})
