import { HandBack, type Refusal, WriteRefused } from '#jobs/errors.ts'

/** The runs of this process, so that news from elsewhere can stop them. */
export interface RunningJobs {
  /** A run begins; it is told to stop by the signal. */
  add(id: string, attempt: number): Run
  remove(run: Run): void
  /** Somebody else has ended the job: its run stops quietly. */
  ended(id: string): void
  /**
   * The queue's lock on the job is lost: it may be given to others at any moment, so its run stops
   * and the job begins anew.
   */
  lockLost(id: string): void
  /** The process is going away: every run is handed back. */
  handBackAll(): void
  all(): Run[]
  readonly size: number
}

export interface Run {
  id: string
  attempt: number
  abort: AbortController
}

/** Ends a run that goes on in vain. */
export function stopRun({ abort }: Run, why: Refusal): void {
  abort.abort(new WriteRefused(why))
}

export function createRunningJobs(): RunningJobs {
  // Not by id: an attempt whose lock was lost may still be here when this process begins the next
  // one.
  const runs = new Set<Run>()
  let leaving = false
  const handBack = ({ abort }: Run) => abort.abort(new HandBack('The worker is shutting down'))
  const each = (id: string, stop: (run: Run) => void) => {
    for (const run of runs) if (run.id === id) stop(run)
  }
  return {
    add(id, attempt) {
      const run = { id, attempt, abort: new AbortController() }
      runs.add(run)
      // It was fetched before the process began to leave, and started after.
      if (leaving) handBack(run)
      return run
    },
    remove: (run) => runs.delete(run),
    ended: (id) => each(id, (run) => stopRun(run, 'ended')),
    lockLost: (id) =>
      each(id, ({ abort }) => abort.abort(new HandBack('The worker lost touch with the queue'))),
    handBackAll() {
      leaving = true
      runs.forEach(handBack)
    },
    all: () => [...runs],
    get size() {
      return runs.size
    },
  }
}
