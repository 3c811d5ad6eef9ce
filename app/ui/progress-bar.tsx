import type { Progress } from '#jobs/job.ts'
import { progressPhrase } from '../words/states.ts'

/** A job's progress. If the total is unknown, the bar only shows activity. */
export function ProgressBar({
  progress,
  className = '',
}: {
  progress: Progress | null
  className?: string
}) {
  const total = progress?.total ?? null
  const known = total !== null && total > 0
  const share = known && progress ? Math.min(1, progress.done / total) : 0
  return (
    <div
      role="progressbar"
      aria-label={progress?.phase ?? 'Progress'}
      aria-valuemin={0}
      {...(known && progress
        ? { 'aria-valuemax': total, 'aria-valuenow': Math.min(progress.done, total) }
        : {})}
      aria-valuetext={progress ? progressPhrase(progress) : 'Starting'}
      className={`h-1 overflow-hidden rounded-full bg-line ${className}`}
    >
      {known ? (
        <div
          className="h-full origin-left rounded-full bg-accent-solid transition-transform duration-200 ease-out"
          style={{ transform: `scaleX(${share})` }}
        />
      ) : (
        <div className="h-full w-2/5 rounded-full bg-accent-solid animate-sweep motion-reduce:w-full motion-reduce:opacity-40" />
      )}
    </div>
  )
}
