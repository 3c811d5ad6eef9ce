import { HandBack, WriteRefused } from '#jobs/errors.ts'

/** The runs of this process, so that news from elsewhere can stop them. */
export interface RunningJobs {
  add(id: string): AbortController
  remove(id: string): void
  /** Somebody else has ended the job, or its lock is lost: the run stops quietly. */
  stop(id: string): void
  /** The process is going away: every run is handed back. */
  handBackAll(): void
  readonly size: number
}

export function createRunningJobs(): RunningJobs {
  const running = new Map<string, AbortController>()
  return {
    add(id) {
      const abort = new AbortController()
      running.set(id, abort)
      return abort
    },
    remove: (id) => running.delete(id),
    stop: (id) => running.get(id)?.abort(new WriteRefused()),
    handBackAll() {
      for (const abort of running.values()) abort.abort(new HandBack())
    },
    get size() {
      return running.size
    },
  }
}
