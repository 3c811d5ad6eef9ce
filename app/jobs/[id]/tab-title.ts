import type { Job } from '#jobs/job.ts'
import type { SearchType } from '#protocol/answers.ts'
import { inputPhrase } from '../../words/input-phrase.ts'
import { shortState } from '../../words/states.ts'

/** "Running 5/16 – github.com – Searchlight" */
export function tabTitle(job: Job, searches: readonly SearchType[]): string {
  const search = searches.find(({ name }) => name === job.search)
  return `${shortState(job)} – ${inputPhrase(job.input, search).subject} – Searchlight`
}
