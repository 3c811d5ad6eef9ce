import { SearchFailed } from '#jobs/errors.ts'
import { IndexProblem } from '#webindex/errors.ts'

/**
 * The error to end a search with. An index problem becomes a `SearchFailed`, so that users see its
 * message and can act on it; any other error is returned as it is.
 */
export function errorForUsers(error: unknown): unknown {
  return error instanceof IndexProblem ? new SearchFailed(error.message, { cause: error }) : error
}
