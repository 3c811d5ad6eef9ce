import { io } from 'socket.io-client'
import { z } from 'zod'
import type { Row } from '#jobs/define-search.ts'
import { NoteEvent, ProgressEvent, RowsEvent, StateEvent } from '#jobs/events.ts'
import { Job } from '#jobs/job.ts'
import { isLive } from '#jobs/lifecycle.ts'

const usage = `Usage: npm run search -- <type> [--<field> <value>]…

  npm run search -- linking-domains --domain github.com

Rows go to standard output, one JSON object a line; progress and notes to standard error.
SEARCHLIGHT_URL   where the server is (http://localhost:3000 unless set)
SEARCHLIGHT_KEY   an API key; make one with: npm run apikey -- create --email you@example.com --name terminal
Ctrl-C cancels the search.`

/** Ends the command with a sentence. */
class CannotSearch extends Error {}

const Searches = z.object({
  searches: z.array(
    z.object({
      name: z.string(),
      input: z.object({ properties: z.record(z.string(), z.looseObject({ type: z.string().optional() })) }),
    }),
  ),
})
const Failure = z.object({
  error: z.object({ message: z.string(), issues: z.array(z.object({ path: z.string(), message: z.string() })).optional() }),
})
const Event = z.tuple([z.string(), z.number().nullable(), z.string(), z.unknown()])
const Watched = z.tuple([z.object({ job: Job, events: z.array(z.tuple([z.number(), z.string(), z.unknown()])).optional() })])

async function main([name, ...flags]: string[]): Promise<void> {
  const url = process.env.SEARCHLIGHT_URL || 'http://localhost:3000'
  const apiKey = process.env.SEARCHLIGHT_KEY
  if (!name || name === '--help') throw new CannotSearch(usage)
  if (!apiKey) throw new CannotSearch(`Set SEARCHLIGHT_KEY.\n\n${usage}`)

  async function call(method: string, path: string, body?: unknown): Promise<unknown> {
    const headers = { Authorization: `Bearer ${apiKey}`, 'Content-Type': 'application/json' }
    const response = await fetch(`${url}${path}`, { method, headers, ...(body ? { body: JSON.stringify(body) } : {}) }).catch(
      () => {
        throw new CannotSearch(`There is no Searchlight at ${url}. Start it with npm start, or set SEARCHLIGHT_URL.`)
      },
    )
    const answer = await response.json()
    if (response.ok) return answer
    const { message, issues } = Failure.parse(answer).error
    throw new CannotSearch([message, ...(issues ?? []).map((issue) => `  ${issue.path}: ${issue.message}`)].join('\n'))
  }

  const { searches } = Searches.parse(await call('GET', '/api/searches'))
  const search = searches.find((candidate) => candidate.name === name)
  if (!search) throw new CannotSearch(`There is no search “${name}”. There are: ${searches.map((each) => each.name).join(', ')}.`)
  const input = readFlags(flags, search.input.properties)
  const { job } = z.object({ job: Job }).parse(await call('POST', '/api/jobs', { search: name, input }))
  process.once('SIGINT', () => call('POST', `/api/jobs/${job.id}/cancel`).catch(() => process.exit(130)))
  const ending = await follow(job.id, url, apiKey, async (from) => {
    const page = await call('GET', `/api/jobs/${job.id}/rows?from=${from}&limit=5000`)
    return z.object({ rows: RowsEvent.shape.rows }).parse(page).rows
  })
  tell(`${ending.state}${ending.message ? `: ${ending.message}` : ''} (${ending.rowCount} rows, ${url}/jobs/${job.id})\n`)
  process.exitCode = ending.state === 'complete' ? 0 : 1
}

function readFlags(flags: string[], fields: Record<string, { type?: string | undefined }>): Record<string, unknown> {
  const input: Record<string, unknown> = {}
  for (let i = 0; i < flags.length; i += 2) {
    const field = flags[i]?.replace(/^--/, '') ?? ''
    const value = flags[i + 1]
    if (!flags[i]?.startsWith('--') || value === undefined || !fields[field]) {
      throw new CannotSearch(`Give --<field> <value>. The fields are: ${Object.keys(fields).join(', ')}.`)
    }
    input[field] = fields[field].type === 'integer' || fields[field].type === 'number' ? Number(value) : value
  }
  return input
}

/** Prints a job's rows, notes and progress as they come, over reconnects, until it has ended. */
function follow(id: string, url: string, apiKey: string, rowsFrom: (from: number) => Promise<Row[]>): Promise<Job> {
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
        if (state === 'running' && attempt > 1) tell('The search begins anew; its rows follow again.\n')
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
      // Not `emitWithAck`: its promise resolves after the next message may have been taken, which must come after the answer.
      socket.emit('watch', { jobs: [{ id, ...(since ? { since } : {}) }] }, (answers: unknown) => {
        const answer = Watched.safeParse(answers)
        if (!answer.success) return reject(new CannotSearch('The search can no longer be watched.'))
        const [{ job: now, events }] = answer.data
        if (events) for (const [seq, type, data] of events) inOrder(() => take(seq, type, data))
        else inOrder(() => become(now))
      })
    })
    socket.on('events', (frame) => {
      for (const [, seq, type, data] of z.array(Event).parse(frame)) inOrder(() => take(seq, type, data))
    })
    socket.on('resync', (message) => inOrder(() => become(z.object({ job: Job }).parse(message).job)))
    socket.on('connect_error', (error) => socket.active || reject(new CannotSearch(error.message)))
    socket.on('disconnect', (why) => why === 'io client disconnect' || tell('The connection is gone; trying again.\n'))
  })
}

const barWidth = 24

function showProgress({ phase, done, total, unit }: ProgressEvent): void {
  if (!process.stderr.isTTY) return
  const filled = total ? Math.round((done / total) * barWidth) : 0
  const bar = total ? `[${'█'.repeat(filled)}${'░'.repeat(barWidth - filled)}] ` : ''
  process.stderr.write(`\r\x1b[K${bar}${phase}: ${done}${total === null ? '' : ` of ${total}`} ${unit}`)
}

function tell(text: string): void {
  process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${text}` : text)
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error instanceof CannotSearch ? error.message : error)
  process.exitCode = 2
})
