import { BrokenIndex } from '../errors.ts'
import { type Language, languages, languagesOf } from './languages.ts'
import { lookUpPhrases } from './look-up-phrases.ts'
import type { GenerationFiles } from './read-shards.ts'

export type { Language } from './languages.ts'

/**
 * The languages of an index's texts.
 * @param pages the number of its pages
 * @throws {GenerationGone} @throws {NotEnoughMemory}
 */
export async function readLanguages(
  files: GenerationFiles,
  pages: number,
  signal: AbortSignal,
): Promise<Language[]> {
  const markers = [...new Set(languages.flatMap((language) => language.markers))]
  const pagesWith = new Map<string, number>()
  try {
    for await (const { rows } of lookUpPhrases(files, markers, { signal }))
      for (const { phrase, found } of rows)
        if (typeof found !== 'string') pagesWith.set(phrase, found.pages ?? 0)
  } catch (error) {
    // Its phrases can't be looked up, but they can be searched.
    if (!(error instanceof BrokenIndex)) throw error
  }
  return languagesOf(pagesWith, pages)
}
