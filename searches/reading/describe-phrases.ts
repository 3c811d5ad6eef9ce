import { phraseOf } from '#webindex/pages/phrase-tokens.ts'
import type { Generation } from '#webindex/query/engine.ts'
import type { Language } from '#webindex/query/languages.ts'
import { describeCoverage } from './describe-index.ts'

const conjunction = new Intl.ListFormat('en', { type: 'conjunction' })

/** How many phrases were left out as fragments, and how to see them. */
export function describeFragments(leftOut: number, languages: readonly Language[]): string {
  const names = conjunction.format(languages.map(({ name }) => name))
  return `Left out ${leftOut.toLocaleString('en')} ${leftOut === 1 ? 'fragment' : 'fragments'}: phrases that begin or end with a function word of ${names}. Choose “Include fragments” to see them.`
}

/** That no phrase was found, and how to find more. */
export function describeNoPhrases(
  wanted: { q: string; match: 'phrase' | 'all_words'; minPages: number; questions: boolean },
  generation: Generation,
): string {
  const { match, minPages, questions } = wanted
  const phrase = phraseOf(wanted.q)
  const hasSeveralWords = phrase.includes(' ')
  const words =
    hasSeveralWords && match === 'all_words' ? `all words of “${phrase}”` : `“${phrase}”`
  const onPages = minPages > 1 ? ` and is on at least ${minPages.toLocaleString('en')} pages` : ''
  const hints = [
    questions ? ' Switch off “Questions only” to include other phrases.' : '',
    hasSeveralWords && match === 'phrase' ? ' Choose “All words” to find them in any order.' : '',
    minPages > 0
      ? ` Set “Minimum pages” to 0 to include phrases ${minPages > 1 ? 'on fewer pages or ' : ''}only in query logs.`
      : '',
  ]
  return `No ${questions ? 'question' : 'phrase'} in this index contains ${words}${onPages}.${hints.join('')} ${describeCoverage(generation)}`
}
