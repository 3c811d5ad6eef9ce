import { isDeepStrictEqual } from 'node:util'
import type { Row } from '#jobs/define-search.ts'
import type { Job } from '#jobs/job.ts'
import { isLive } from '#jobs/lifecycle.ts'
import { OneJob, type StartRequest } from '#protocol/answers.ts'
import { apiAt } from '#protocol/client/call-api.ts'
import { firstHole, type JobView, lacksTimeline, viewOf } from '#protocol/client/job-view.ts'
import { JobWatcher } from '#protocol/client/job-watcher.ts'
import { LiveConnection } from '#protocol/client/live-connection.ts'
import { waitingPhrase } from '#protocol/client/waiting-phrase.ts'
import { CannotCall, explained, type ServerAddress } from './server-address.ts'
import { printStatus, showProgress } from './terminal.ts'

const probeEveryMs = 1_000

/**
 * Starts a search on a server and shows it until it ends. Ctrl-C cancels it.
 * @returns the exit code: 0 if the search completed
 * @throws {CannotCall}
 */
export async function runOnServer(request: StartRequest, server: ServerAddress): Promise<number> {
  const callApi = apiAt(server)
  try {
    const { job } = await callApi('/jobs', OneJob, { method: 'POST', body: request })
    process.once('SIGINT', () =>
      callApi(`/jobs/${job.id}/cancel`, OneJob, { method: 'POST' }).catch(() => process.exit(130)),
    )
    const { state, message, rowCount } = await follow(job, server)
    const reason = message ? `: ${message}` : ''
    printStatus(`${state}${reason} (${rowCount} rows, ${server.origin}/jobs/${job.id})\n`)
    return state === 'complete' ? 0 : 1
  } catch (error) {
    throw explained(error, server)
  }
}

/** Prints a job's rows, notes and progress as they arrive. @returns the job as it ended */
function follow(job: Job, server: ServerAddress): Promise<Job> {
  return new Promise((resolve, reject) => {
    let wasConnected = false
    const connection = new LiveConnection({
      ...server,
      onChange: () => {
        if (wasConnected && !connection.connected)
          printStatus('The connection was lost. Reconnecting…\n')
        wasConnected = connection.connected
      },
      onRefused: (_code, message) => end(() => reject(new CannotCall(message))),
    })
    const probing = setInterval(() => connection.probeIfSilent(), probeEveryMs)
    const end = (settle: () => void) => {
      clearInterval(probing)
      connection.close()
      settle()
    }
    const print = printer()
    new JobWatcher(connection, apiAt(server)).watch(viewOf(job), (view) => {
      if (view === 'gone') return end(() => reject(new CannotCall('The search was deleted.')))
      print(view)
      if (!isLive(view.job.state) && !lacksTimeline(view) && firstHole(view) === null)
        end(() => resolve(view.job))
    })
  })
}

/** Rows to standard output, one JSON object a line; notes and progress to standard error. */
function printer(): (view: JobView) => void {
  let attempt = 0
  let printed: Row[] = []
  let timelineSeq = 0
  let saidWaiting: string | null = null
  return ({ job, rows, timeline, waiting }) => {
    if (job.attempt > attempt) {
      if (attempt > 0) printStatus('The search is starting over; its rows follow again.\n')
      attempt = job.attempt
      printed = []
    }
    for (let row = rows[printed.length]; row !== undefined; row = rows[printed.length]) {
      printRow(row)
      printed.push(row)
    }
    for (const { seq, type, data } of timeline) {
      if (seq <= timelineSeq) continue
      timelineSeq = seq
      if (type === 'note') printStatus(`${data.text}\n`)
    }
    const phrase = waiting && waitingPhrase(waiting)
    if (phrase && phrase !== saidWaiting) printStatus(`${phrase}\n`)
    saidWaiting = phrase
    if (job.progress && isLive(job.state)) showProgress(job.progress)
    if (!isLive(job.state) && firstHole({ job, rows }) === null) printChanged(rows, printed)
  }
}

/** Prints rows that have changed since they were printed once more, as they are in the end. */
function printChanged(rows: JobView['rows'], printed: Row[]): void {
  const changed = rows.flatMap((row, i) =>
    row && row !== printed[i] && !isDeepStrictEqual(row, printed[i]) ? [{ row, i }] : [],
  )
  if (changed.length === 0) return
  printStatus(
    `${changed.length} ${changed.length === 1 ? 'row has' : 'rows have'} changed since; they follow again:\n`,
  )
  for (const { row, i } of changed) {
    printRow(row)
    printed[i] = row
  }
}

function printRow(row: Row): void {
  process.stdout.write(`${JSON.stringify(row)}\n`)
}
