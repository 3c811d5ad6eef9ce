import { setTimeout as delay } from 'node:timers/promises'
import { io, type Socket } from 'socket.io-client'
import { z } from 'zod'
import { Job } from '#jobs/job.ts'
import type { ChaosUser } from './chaos-environment.ts'
import { type JobView, type Observations, RowsPage } from './job-view.ts'

/** The TCP connection of a client, as a target of fault injection. */
export interface ClientConnection {
  /** Breaks the connection. @returns false when there is none */
  cut(): boolean
  /** Stops reading for this long. */
  pause(ms: number): Promise<void>
  close(): void
}

const WebSocketTransport = z.object({
  ws: z.custom<{ pause(): void; resume(): void; terminate(): void }>(
    (ws) => typeof ws === 'object' && ws !== null,
  ),
})

export function openSocket(
  { key }: Pick<ChaosUser, 'key'>,
  url: string,
): { socket: Socket; connection: ClientConnection } {
  const socket = io(url, {
    transports: ['websocket'],
    auth: { apiKey: key },
    forceNew: true,
    reconnectionDelay: 50,
    reconnectionDelayMax: 500,
  })
  // Socket.IO reconnects by itself after a broken connection, but not after a refusal. Servers
  // refuse while they can't reach their stores.
  socket.on('connect_error', () => void setTimeout(() => !socket.active && socket.connect(), 200))
  const currentWebSocket = () =>
    socket.connected ? WebSocketTransport.parse(socket.io.engine.transport).ws : null
  const connection: ClientConnection = {
    cut() {
      const ws = currentWebSocket()
      ws?.terminate()
      return ws !== null
    },
    async pause(ms) {
      const ws = currentWebSocket()
      ws?.pause()
      await delay(ms)
      ws?.resume()
    },
    close: () => socket.disconnect(),
  }
  return { socket, connection }
}

/** Reads the rows that a view lacks, and retries until it has them: the server may be down. */
export function rowReader({ key }: ChaosUser, url: string, closed: AbortSignal) {
  return async (view: JobView): Promise<void> => {
    for (;;) {
      const page = await fetch(`${url}/api/jobs/${view.id}/rows?from=0&limit=5000`, {
        headers: { Authorization: `Bearer ${key}` },
        signal: closed,
      })
        .then(async (response) => (response.ok ? RowsPage.parse(await response.json()) : null))
        .catch(() => null)
      if (closed.aborted || (page && view.takeRows(page))) return
      await delay(100)
    }
  }
}

const PositionedJob = z.object({ id: z.string(), epoch: z.string(), seq: z.number(), job: Job })
const Answer = z.union([
  PositionedJob.extend({ mode: z.literal('snapshot') }),
  PositionedJob.extend({
    mode: z.literal('replay'),
    events: z.array(z.tuple([z.number(), z.string(), z.record(z.string(), z.unknown())])),
  }),
  z.object({ id: z.string(), error: z.object({ code: z.string() }) }),
])
const Answers = z.union([z.array(Answer), z.object({ error: z.object({ code: z.string() }) })])
const Events = z.array(
  z.tuple([z.string(), z.number().nullable(), z.string(), z.record(z.string(), z.unknown())]),
)
const retryMs = 200

/** A client that watches jobs over Socket.IO, as docs/protocol.md describes. */
export function openWatcher(user: ChaosUser, url: string, observed: Observations) {
  const { socket, connection } = openSocket(user, url)
  const views = new Map<string, JobView>()
  let epoch: string | undefined

  function requestWatch(requested: readonly JobView[], fromStart = false): void {
    const toWatch = requested.filter((view) => !view.ended && view.watchState === 'unwatched')
    if (toWatch.length === 0 || !socket.connected) return
    for (const view of toWatch) view.watchState = 'requested'
    const jobs = toWatch.map(({ id, position }) => ({
      id,
      since: position ?? (fromStart && epoch !== undefined ? { epoch, seq: 0 } : undefined),
    }))
    const socketId = socket.id
    const retry = (view: JobView) => {
      view.watchState = 'unwatched'
      setTimeout(() => socket.id === socketId && requestWatch([view]), retryMs)
    }
    socket.emit('watch', { jobs }, (sent: unknown) => {
      const answers = Answers.parse(sent)
      if (!Array.isArray(answers)) return toWatch.forEach(retry)
      for (const [i, answer] of answers.entries()) {
        const view = toWatch[i]
        if (!view || answer.id !== view.id)
          throw new Error('The answers to a watch are not in the order of its jobs')
        if ('error' in answer) retry(view)
        else takeAnswer(view, answer, jobs[i]?.since)
      }
    })
  }

  function takeAnswer(
    view: JobView,
    answer: Exclude<z.infer<typeof Answer>, { error: object }>,
    since?: { epoch: string; seq: number },
  ): void {
    view.watchState = 'watching'
    epoch = answer.epoch
    if (answer.epoch !== answer.job.epoch || answer.seq !== answer.job.seq)
      view.report('its acknowledgement states two positions')
    if (answer.mode === 'snapshot') {
      observed.snapshots++
      view.takeSnapshot(answer.job)
      return
    }
    observed.replays++
    if (since?.epoch !== answer.epoch) view.report('its replay belongs to another epoch')
    view.position ??= since ?? null
    for (const event of answer.events) view.takeEvent(...event)
    view.confirmReplay(answer.job)
  }

  socket.on('connect', () => {
    for (const view of views.values()) view.watchState = 'unwatched'
    requestWatch([...views.values()])
  })
  socket.on('events', (sent: unknown) => {
    for (const [id, ...event] of Events.parse(sent)) {
      const view = views.get(id)
      if (view) view.takeEvent(...event)
      else observed.problems.push(`${id}: an event arrived for a job that was never watched`)
    }
  })
  socket.on('resync', (sent: unknown) => {
    const { id, job } = PositionedJob.parse(sent)
    const view = views.get(id)
    if (!view || view.watchState === 'unwatched' || view.watchState === 'requested')
      observed.problems.push(`${id}: a resync arrived without a watch`)
    else if (view.watchState === 'watching') {
      observed.resyncs++
      view.takeSnapshot(job)
    }
  })
  // Only after Redis lost its latest writes may the server revoke a job that it knew.
  socket.on('revoked', ({ id }: { id?: string }) => {
    const view = views.get(id ?? '')
    if (!view)
      observed.problems.push(`A client was signed out, or lost a job that it never watched (${id})`)
    else {
      view.watchState = 'unwatched'
      setTimeout(() => requestWatch([view]), retryMs)
    }
  })

  return {
    connection,
    /** @param fromStart requests a replay from the first event, if the epoch is known */
    watch(view: JobView, fromStart: boolean): void {
      views.set(view.id, view)
      requestWatch([view], fromStart)
    },
    /** Unwatches, waits a moment, and watches again from the same position. */
    unwatchBriefly(view: JobView): void {
      if (view.ended || view.watchState !== 'watching' || !socket.connected) return
      view.watchState = 'unwatching'
      socket.emit('unwatch', { jobs: [view.id] }, () => {
        if (view.watchState !== 'unwatching') return
        view.watchState = 'unwatched'
        setTimeout(() => requestWatch([view]), retryMs)
      })
    },
  }
}
