/**
 * Follows one job to its end, written from docs/protocol.md alone: a plain WebSocket, and HTTP for
 * rows.
 *
 * node plain-client.js URL KEY JOB BREAKS
 *
 * Breaks its connection BREAKS times, each time after an event, to show that it misses nothing.
 * Finally prints its copy of the job as JSON.
 */
import { WebSocket } from 'ws'

const [url = '', apiKey = '', id = '', breaks = '0'] = process.argv.slice(2)
const ended = ['complete', 'error', 'cancelled']
const copy = {
  epoch: null,
  seq: 0,
  attempt: 0,
  state: 'new',
  rows: [],
  seqs: [],
  notes: 0,
  connections: 0,
  snapshots: 0,
}
let breaksLeft = Number(breaks)

function startFrom({ epoch, seq, job }) {
  if (epoch !== copy.epoch || job.attempt !== copy.attempt) copy.rows = []
  Object.assign(copy, { epoch, seq, attempt: job.attempt, state: job.state })
  copy.rows.length = job.rowCount
  copy.snapshots++
}

function apply(seq, type, data) {
  if (seq === null) return
  if (seq !== copy.seq + 1) throw new Error(`Event ${seq} came after ${copy.seq}`)
  copy.seq = seq
  copy.seqs.push(seq)
  if (type === 'note') copy.notes++
  if (type === 'rows') copy.rows.splice(data.from, data.rows.length, ...data.rows)
  if (type === 'state') {
    if (data.attempt > copy.attempt) copy.rows = []
    Object.assign(copy, { attempt: data.attempt, state: data.state })
  }
}

async function fetchMissingRows() {
  for (let from = 0; from < copy.rows.length; from++) {
    if (copy.rows[from] !== undefined) continue
    const answer = await fetch(`${url}/api/jobs/${id}/rows?from=${from}&limit=1000`, {
      headers: { Authorization: `Bearer ${apiKey}` },
    })
    const page = await answer.json()
    copy.rows.splice(from, page.rows.length, ...page.rows)
  }
}

/** Resolves when the connection has closed. */
function connect() {
  copy.connections++
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(
      `${url.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`,
    )
    socket.on('close', resolve)
    socket.on('error', () => {})
    socket.on('message', (message) => {
      const text = String(message)
      try {
        if (text.startsWith('0')) socket.send(`40${JSON.stringify({ apiKey })}`)
        else if (text === '2') socket.send('3')
        else if (text.startsWith('40')) {
          const since = copy.epoch === null ? undefined : { epoch: copy.epoch, seq: copy.seq }
          socket.send(`421${JSON.stringify(['watch', { jobs: [{ id, since }] }])}`)
        } else if (text.startsWith('44')) reject(new Error(JSON.parse(text.slice(2)).message))
        else if (text.startsWith('431')) {
          const [[answer]] = JSON.parse(text.slice(3))
          if (answer.error) throw new Error(answer.error.message)
          if (answer.mode === 'snapshot') startFrom(answer)
          else for (const event of answer.events) apply(...event)
        } else if (text.startsWith('42')) {
          const [name, argument] = JSON.parse(text.slice(2))
          if (name === 'resync') startFrom(argument)
          if (name === 'events') for (const [, ...event] of argument) apply(...event)
          if (name === 'events' && breaksLeft-- > 0) socket.terminate()
        }
        if (ended.includes(copy.state)) socket.close()
      } catch (error) {
        reject(error)
      }
    })
  })
}

while (!ended.includes(copy.state)) await connect()
await fetchMissingRows()
process.stdout.write(JSON.stringify(copy))
