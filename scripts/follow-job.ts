import { io } from 'socket.io-client'
import { z } from 'zod'
import type { Row } from '#jobs/define-search.ts'
import { NoteEvent, ProgressEvent, RowsEvent, StateEvent } from '#jobs/events.ts'
import { Job } from '#jobs/job.ts'
import { isLive } from '#jobs/lifecycle.ts'
import { type CallApi, CannotCall } from './call-api.ts'
import { showProgress, tell } from './terminal.ts'

const Event = z.tuple([z.string(), z.number().nullable(), z.string(), z.unknown()])
const Watched = z.tuple([
  z.object({
    job: Job,
    events: z.array(z.tuple([z.number(), z.string(), z.unknown()])).optional(),
  }),
])

/**
 * Starts a search and shows it until it has ended; Ctrl-C cancels it.
 * @returns the exit code: 0 when it is complete
 */
export async function runOnServer(
  request: { search: string; input: Record<string, unknown> },
  { url, apiKey, call }: CallApi,
): Promise<number> {
  const { job } = z.object({ job: Job }).parse(await call('POST', '/api/jobs', request))
  process.once('SIGINT', () =>
    call('POST', `/api/jobs/${job.id}/cancel`).catch(() => process.exit(130)),
  )
  const ending = await follow(job.id, url, apiKey, async (from) => {
    const page = await call('GET', `/api/jobs/${job.id}/rows?from=${from}&limit=5000`)
    return z.object({ rows: RowsEvent.shape.rows }).parse(page).rows
  })
  tell(
    `${ending.state}${ending.message ? `: ${ending.message}` : ''} (${ending.rowCount} rows, ${url}/jobs/${job.id})\n`,
  )
  return ending.state === 'complete' ? 0 : 1
}

/** Prints a job's rows, notes and progress as they come, over reconnects, until it has ended. */
function follow(
  id: string,
  url: string,
  apiKey: string,
  rowsFrom: (from: number) => Promise<Row[]>,
): Promise<Job> {
  return new Promise((resolve, reject) => {
    const socket = io(url, { transports: ['websocket'], auth: { apiKey } })
    let job: Job | null = null
    let printed = 0
    let work: Promise<unknown> = Promise.resolve()
    /** One after the other: reading rows takes a moment, and what comes meanwhile follows. */
    const inOrder = (step: () => unknown) => {
      work = work.then(step).catch(reject)
    }
    const print = (rows: Row[]) => {
      for (const row of rows) process.stdout.write(`${JSON.stringify(row)}\n`)
      printed += rows.length
    }
    const become = async (now: Job) => {
      job = now
      while (printed < now.rowCount) {
        const rows = await rowsFrom(printed)
        if (rows.length === 0) break
        print(rows)
      }
      if (!isLive(now.state)) end(now)
    }
    const take = (seq: number | null, type: string, data: unknown) => {
      if (!job || (seq !== null && seq <= job.seq)) return
      if (seq !== null) job = { ...job, seq }
      if (type === 'rows') {
        const { from, rows } = RowsEvent.parse(data)
        print(rows.slice(Math.max(0, printed - from)))
      }
      if (type === 'note') tell(`${NoteEvent.parse(data).text}\n`)
      if (type === 'progress') showProgress(ProgressEvent.parse(data))
      if (type === 'state') {
        const { state, attempt, at, message } = StateEvent.parse(data)
        if (state === 'running' && attempt > 1)
          tell('The search begins anew; its rows follow again.\n')
        if (state === 'running') printed = 0
        else
          end(
            Job.parse({
              ...job,
              state,
              message: message ?? null,
              rowCount: printed,
              startedAt: job.startedAt ?? at,
              finishedAt: at,
            }),
          )
      }
    }
    const end = (ended: Job) => {
      socket.disconnect()
      resolve(ended)
    }
    socket.on('connect', () => {
      const since = job && { epoch: job.epoch, seq: job.seq }
      // Not `emitWithAck`: its promise resolves after the next message may have been taken, which
      // must come after the answer.
      socket.emit('watch', { jobs: [{ id, ...(since ? { since } : {}) }] }, (answers: unknown) => {
        const answer = Watched.safeParse(answers)
        if (!answer.success) return reject(new CannotCall('The search can no longer be watched.'))
        const [{ job: now, events }] = answer.data
        if (events) for (const [seq, type, data] of events) inOrder(() => take(seq, type, data))
        else inOrder(() => become(now))
      })
    })
    socket.on('events', (frame) => {
      for (const [, seq, type, data] of z.array(Event).parse(frame))
        inOrder(() => take(seq, type, data))
    })
    socket.on('resync', (message) =>
      inOrder(() => become(z.object({ job: Job }).parse(message).job)),
    )
    socket.on('connect_error', (error) => socket.active || reject(new CannotCall(error.message)))
    socket.on(
      'disconnect',
      (why) => why === 'io client disconnect' || tell('The connection is gone; trying again.\n'),
    )
  })
}
