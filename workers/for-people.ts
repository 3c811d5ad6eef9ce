import { SearchFailed } from '#jobs/errors.ts'
import { IndexProblem } from '#webindex/errors.ts'

/**
 * Errors of the index that its user can do something about are told as they are; the rest is a
 * fault of ours.
 */
export function forPeople(error: unknown): never {
  if (error instanceof IndexProblem) throw new SearchFailed(error.message, { cause: error })
  throw error
}
