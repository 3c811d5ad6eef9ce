import { setTimeout as delay } from 'node:timers/promises'
import { v4 as uuid } from 'uuid'
import type { JobState } from '#jobs/job.ts'
import { isLive } from '#jobs/lifecycle.ts'
import { everybodysTarget } from '../searches/many-shards.ts'
import type { ChaosUser } from './chaos-environment.ts'
import { openSocket } from './viewer.ts'

interface Position {
  epoch: string
  seq: number
}
interface JobSummary extends Position {
  id: string
  state: JobState
}
type WatchAnswer =
  | { id: string; mode: 'snapshot' | 'replay'; epoch: string; seq: number; job: JobSummary }
  | { id: string; error: { code: string } }
type WireEvent = [id: string, seq: number | null, type: string, data: { state?: JobState }]

/** A client that starts a user's searches one by one, over a server that may fail at any moment. */
export function openClient({ key }: ChaosUser, url: string) {
  const { socket } = openSocket({ key }, url)
  const watched = new Map<string, { position: Position | null; ended(state: JobState): void }>()

  function update(id: string, position: Position, state: JobState | undefined): void {
    const watch = watched.get(id)
    if (!watch) return
    watch.position = position
    if (state === undefined || isLive(state)) return
    watched.delete(id)
    watch.ended(state)
  }
  function watchAll(ids: Iterable<string>): void {
    const jobs = [...ids].map((id) => ({ id, since: watched.get(id)?.position ?? undefined }))
    if (jobs.length === 0) return
    socket.emit('watch', { jobs }, (answers: WatchAnswer[] | { error: object }) => {
      // The server can't reach its stores: retry, as any client does.
      if (!Array.isArray(answers)) return void setTimeout(() => watchAll(watched.keys()), 200)
      for (const answer of answers) if ('job' in answer) update(answer.id, answer, answer.job.state)
    })
  }
  socket.on('connect', () => watchAll(watched.keys()))
  socket.on('events', (events: WireEvent[]) => {
    for (const [id, seq, type, data] of events) {
      const epoch = watched.get(id)?.position?.epoch
      if (seq !== null && epoch !== undefined)
        update(id, { epoch, seq }, type === 'state' ? data.state : undefined)
    }
  })
  socket.on('resync', ({ id, epoch, seq, job }: Position & { id: string; job: JobSummary }) =>
    update(id, { epoch, seq }, job.state),
  )

  /** Retries until the server answers. The idempotency key keeps it one job. */
  async function start(
    body: object,
    idempotencyKey: string,
  ): Promise<{ status: number; body: { job: JobSummary } }> {
    for (;;) {
      const response = await fetch(`${url}/api/jobs`, {
        method: 'POST',
        headers: {
          Authorization: `Bearer ${key}`,
          'Content-Type': 'application/json',
          'Idempotency-Key': idempotencyKey,
        },
        body: JSON.stringify(body),
      }).catch(() => null)
      if (response && response.status < 500)
        return { status: response.status, body: await response.json() }
      await delay(100)
    }
  }

  return {
    /** Starts a search. Resolves when its ending arrives live. */
    async run(): Promise<{ id: string; seen: JobState }> {
      const request = {
        search: 'linking-domains',
        input: { domain: everybodysTarget, limit: 10_000 },
      }
      const { status, body } = await start(request, uuid())
      if (status !== 201)
        throw new Error(`Starting a search failed with status ${status}: ${JSON.stringify(body)}`)
      const { id } = body.job
      const end = new Promise<JobState>((resolve) =>
        watched.set(id, { position: null, ended: resolve }),
      )
      if (socket.connected) watchAll([id])
      return { id, seen: await end }
    },
    close: () => socket.disconnect(),
  }
}
