import type { ReactNode } from 'react'
import type { Job } from '#jobs/job.ts'
import type { SearchType } from '#protocol/answers.ts'
import { LocalTime } from '../../ui/local-time.tsx'
import { inputFacts } from '../../words/input-phrase.ts'

/** The complete input, including defaults, and the times of the job. */
export function JobFacts({ job, search }: { job: Job; search: SearchType | null }) {
  return (
    <section aria-labelledby="facts-title" className="panel px-4 py-3.5">
      <h2 id="facts-title" className="text-sm font-semibold">
        Details
      </h2>
      <dl className="mt-2 text-xs">
        {inputFacts(job.input, search ?? undefined).map(({ label, value }) => (
          <Fact key={label} name={label}>
            {value}
          </Fact>
        ))}
      </dl>
      <dl className="mt-2 border-t border-line pt-2 text-xs">
        <Fact name="Created">
          <LocalTime at={job.createdAt} />
        </Fact>
        <Fact name="Started">{job.startedAt ? <LocalTime at={job.startedAt} /> : '–'}</Fact>
        <Fact name="Ended">{job.finishedAt ? <LocalTime at={job.finishedAt} /> : '–'}</Fact>
        <Fact name="Attempt">{job.attempt === 0 ? '–' : job.attempt}</Fact>
        <dt className="sr-only">Job ID</dt>
        <dd className="mt-2 border-t border-line pt-2.5 font-mono text-2xs break-all text-ink-3">
          {job.id}
        </dd>
      </dl>
    </section>
  )
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div className="flex justify-between gap-4 py-[3px]">
      <dt className="shrink-0 text-ink-3">{name}</dt>
      <dd className="min-w-0 text-right break-words">{children}</dd>
    </div>
  )
}
