import { setTimeout as delay } from 'node:timers/promises'
import { v4 as uuid } from 'uuid'
import type { JobState } from '#jobs/job.ts'
import { isLive } from '#jobs/lifecycle.ts'
import { everybodysTarget } from '../searches/many-shards.ts'
import type { ChaosUser } from './ground.ts'
import { openSocket } from './viewer.ts'

interface Position {
  epoch: string
  seq: number
}
interface JobNow extends Position {
  id: string
  state: JobState
}
type Answer =
  | { id: string; mode: 'snapshot' | 'replay'; epoch: string; seq: number; job: JobNow }
  | { id: string; error: { code: string } }
type Event = [id: string, seq: number | null, type: string, data: { state?: JobState }]

/**
 * A program that keeps starting searches for its user, one after the other, over a server that may
 * be out of reach at any moment.
 */
export function openClient({ key }: ChaosUser, url: string) {
  const { socket } = openSocket({ key }, url)
  const watched = new Map<string, { position: Position | null; ended(state: JobState): void }>()

  function learn(id: string, position: Position, state: JobState | undefined): void {
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
    socket.emit('watch', { jobs }, (answers: Answer[] | { error: object }) => {
      // The server could not look: it is asked again, as by any client.
      if (!Array.isArray(answers)) return void setTimeout(() => watchAll(watched.keys()), 200)
      for (const answer of answers) if ('job' in answer) learn(answer.id, answer, answer.job.state)
    })
  }
  socket.on('connect', () => watchAll(watched.keys()))
  socket.on('events', (events: Event[]) => {
    for (const [id, seq, type, data] of events) {
      const epoch = watched.get(id)?.position?.epoch
      if (seq !== null && epoch !== undefined)
        learn(id, { epoch, seq }, type === 'state' ? data.state : undefined)
    }
  })
  socket.on('resync', ({ id, epoch, seq, job }: Position & { id: string; job: JobNow }) =>
    learn(id, { epoch, seq }, job.state),
  )

  /**
   * Sends until it is answered, whatever happens to the server meanwhile: the idempotency key makes
   * it one job.
   */
  async function start(
    body: object,
    idempotencyKey: string,
  ): Promise<{ status: number; body: { job: JobNow } }> {
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
    /** Starts a search and resolves once it was seen to end, live. */
    async run(): Promise<{ id: string; seen: JobState }> {
      const request = {
        search: 'linking-domains',
        input: { domain: everybodysTarget, limit: 10_000 },
      }
      const { status, body } = await start(request, uuid())
      if (status !== 201) throw new Error(`A start was answered ${status}: ${JSON.stringify(body)}`)
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
