import Link from 'next/link'
import type { Job } from '#jobs/job.ts'
import type { SearchType } from '#protocol/answers.ts'
import { inputPhrase } from '../../words/input-phrase.ts'

/** The search type, its subject, and the options that differ from the defaults. */
export function JobHeading({ job, search }: { job: Job; search: SearchType | null }) {
  const { subject, details } = inputPhrase(job.input, search ?? undefined)
  return (
    <div className="min-w-0 flex-1 basis-64">
      <div className="flex items-center gap-1.5 text-sm text-ink-3">
        <Link href="/" prefetch={false} className="rounded-sm hover:text-ink">
          Searches
        </Link>
        <span aria-hidden>/</span>
        <span>{search?.title ?? job.search}</span>
      </div>
      <h1 className="mt-1 text-2xl font-semibold break-words">{subject}</h1>
      {details.length > 0 ? (
        <p className="mt-0.5 text-sm text-ink-2">{details.join(' · ')}</p>
      ) : null}
    </div>
  )
}
