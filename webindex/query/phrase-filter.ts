import { type DuckDBValue, listValue } from '@duckdb/node-api'

/** Which of the phrases with the given words are worth reading. */
export interface PhraseFilter {
  /**
   * Leave out fragments: phrases that begin or end with one of these words, unless a query log has
   * them or they are questions. Empty to keep fragments.
   */
  functionWords: readonly string[]
  /** The first words of questions: those that are kept, or the only ones wanted. */
  questions: readonly string[]
  onlyQuestions: boolean
  /** Show only the first of phrases with the same `variantKey`. */
  fold: boolean
}

const opensQuestion = `
  len(list_filter($questions, lambda opening: starts_with(phrase, concat(opening, ' ')))) > 0`
const beginsWithFunctionWord = "list_contains($functionWords, split_part(phrase, ' ', 1))"
const endsWithFunctionWord = "list_contains($functionWords, split_part(phrase, ' ', -1))"

/** Needs the columns `phrase` and `searches`. */
export const isFragment = `(
  searches IS NULL AND (${endsWithFunctionWord} OR CASE WHEN ${beginsWithFunctionWord} THEN NOT ${opensQuestion} ELSE false END))`

/** Needs the column `phrase`. */
export const isWantedQuestion = `(NOT $onlyQuestions OR ${opensQuestion})`

/** The singular of a regular English noun. */
const singular = (word: string) => `
  CASE WHEN len(${word}) < 4 OR NOT ends_with(${word}, 's') OR regexp_matches(${word}, '(ss|us|is)$') THEN ${word}
    WHEN ends_with(${word}, 'ies') THEN concat(${word}[:-4], 'y')
    WHEN regexp_matches(${word}, '(s|x|z|ch|sh)es$') THEN ${word}[:-3]
    ELSE ${word}[:-2] END`

/**
 * The same for phrases that differ only in a plural or in the order of their words. Where a function
 * word is among them, the order counts: “python to json”.
 */
export const variantKey = `
  CASE WHEN list_has_any(string_split(phrase, ' '), $functionWords) THEN phrase
    ELSE array_to_string(list_sort(list_transform(string_split(phrase, ' '), lambda word: ${singular('word')})), ' ') END`

/** @param asked the words that the phrases must contain: they make no fragments. */
export function filterValues(
  { functionWords, questions, onlyQuestions }: PhraseFilter,
  asked: readonly string[],
): Record<string, DuckDBValue> {
  const excluded = functionWords.filter((word) => !asked.includes(word))
  return {
    functionWords: textList(excluded),
    questions: textList(questions),
    onlyQuestions,
  }
}

/** An empty list would have no type. */
function textList(texts: readonly string[]) {
  return listValue(texts.length > 0 ? [...texts] : [''])
}
