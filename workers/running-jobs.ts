import { HandBack, type Refusal, WriteRefused } from '#jobs/errors.ts'

/** The runs of this process, so that events from outside can stop them. */
export interface RunningJobs {
  /** Registers a run. Its signal aborts when it has to stop. */
  add(id: string, attempt: number): Run
  remove(run: Run): void
  /** The job was ended from outside: its run stops quietly. */
  ended(id: string): void
  /**
   * The queue's lock on the job is lost, so another worker may get the job at any moment: its run
   * stops and the job is handed back.
   */
  lockLost(id: string): void
  /** The process is shutting down: every run stops and its job is handed back. */
  handBackAll(): void
  all(): Run[]
  readonly size: number
}

export interface Run {
  id: string
  attempt: number
  abort: AbortController
}

/** Stops an obsolete run. */
export function stopRun({ abort }: Run, why: Refusal): void {
  abort.abort(new WriteRefused(why))
}

/** Far more than are ended while one answer is under way. */
const maxEndedEarly = 1_000

export function createRunningJobs(): RunningJobs {
  // Not a map by id: an attempt whose lock was lost may still be stopping when this process starts
  // the next attempt of the same job.
  const runs = new Set<Run>()
  // The message that a job was ended can overtake the answer that started it.
  const endedEarly = new Set<string>()
  let shuttingDown = false
  const handBack = ({ abort }: Run) => abort.abort(new HandBack('The worker is shutting down.'))
  const forEachOf = (id: string, stop: (run: Run) => void) => {
    for (const run of runs) if (run.id === id) stop(run)
  }
  return {
    add(id, attempt) {
      const run = { id, attempt, abort: new AbortController() }
      runs.add(run)
      if (endedEarly.delete(id)) stopRun(run, 'ended')
      // Its job was fetched before the shutdown began.
      if (shuttingDown) handBack(run)
      return run
    },
    remove: (run) => runs.delete(run),
    ended(id) {
      forEachOf(id, (run) => stopRun(run, 'ended'))
      endedEarly.add(id)
      const [oldest] = endedEarly
      if (endedEarly.size > maxEndedEarly && oldest !== undefined) endedEarly.delete(oldest)
    },
    lockLost: (id) =>
      forEachOf(id, ({ abort }) =>
        abort.abort(new HandBack('The worker lost contact with the queue.')),
      ),
    handBackAll() {
      shuttingDown = true
      runs.forEach(handBack)
    },
    all: () => [...runs],
    get size() {
      return runs.size
    },
  }
}
