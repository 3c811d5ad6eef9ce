import { memo } from 'react'
import type { JobState } from '#jobs/job.ts'
import type { TimelineEntry } from '#jobs/timeline.ts'
import { LocalTime } from '../../ui/local-time.tsx'

const dots: Record<JobState | 'note', string> = {
  new: 'border-2 border-ink-3 bg-surface',
  running: 'bg-accent-solid',
  complete: 'bg-good',
  error: 'bg-bad',
  cancelled: 'bg-ink-3',
  note: 'bg-line-strong scale-75',
}

/** The job's state changes and notes, oldest first. */
export const Timeline = memo(function Timeline({ entries }: { entries: readonly TimelineEntry[] }) {
  return (
    <section aria-labelledby="timeline-title" className="panel px-4 py-3.5">
      <h2 id="timeline-title" className="text-sm font-semibold">
        Timeline
      </h2>
      {entries.length === 0 ? <p className="mt-2 text-xs text-ink-3">No events yet.</p> : null}
      <ol className="mt-2.5">
        {entries.map((entry) => (
          <li key={entry.seq} className="group relative flex gap-3 pb-3 text-xs last:pb-0">
            <span
              aria-hidden
              className="absolute top-3 bottom-[-4px] left-[3.5px] w-px bg-line group-last:hidden"
            />
            <span
              aria-hidden
              className={`relative mt-1 size-2 shrink-0 rounded-full ${dots[entry.type === 'note' ? 'note' : entry.data.state]}`}
            />
            <div className="min-w-0 flex-1">
              <p
                className={
                  entry.type === 'note' ? 'text-pretty break-words text-ink-2' : 'font-medium'
                }
              >
                {headline(entry)}
              </p>
              {entry.type === 'state' && entry.data.message ? (
                <p className="break-words text-ink-2">{entry.data.message}</p>
              ) : null}
              <p className="text-2xs break-words text-ink-3 tabular-nums">
                <LocalTime at={entry.data.at} precise />
                {entry.data.worker ? ` · ${entry.data.worker}` : ''}
              </p>
            </div>
          </li>
        ))}
      </ol>
    </section>
  )
})

function headline(entry: TimelineEntry): string {
  if (entry.type === 'note') return entry.data.text
  const { state, attempt } = entry.data
  switch (state) {
    case 'new':
      return 'Queued'
    case 'running':
      return attempt > 1 ? `Started again, attempt ${attempt}` : 'Started'
    case 'complete':
      return 'Complete'
    case 'error':
      return 'Failed'
    case 'cancelled':
      return 'Cancelled'
  }
}
