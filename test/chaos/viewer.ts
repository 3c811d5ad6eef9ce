import { setTimeout as delay } from 'node:timers/promises'
import { io, type Socket } from 'socket.io-client'
import { z } from 'zod'
import { Job } from '#jobs/job.ts'
import type { ChaosUser } from './ground.ts'
import { type Account, type JobView, RowsPage } from './job-view.ts'

/** The TCP connection under a client can be maltreated. */
export interface Wire {
  /** Breaks it off. @returns false when there is none */
  cut(): boolean
  /** Reads nothing for a while. */
  pause(ms: number): Promise<void>
  close(): void
}

const UnderSocketIo = z.object({
  ws: z.custom<{ pause(): void; resume(): void; terminate(): void }>(
    (ws) => typeof ws === 'object' && ws !== null,
  ),
})

export function openSocket(
  { key }: Pick<ChaosUser, 'key'>,
  url: string,
): { socket: Socket; wire: Wire } {
  const socket = io(url, {
    transports: ['websocket'],
    auth: { apiKey: key },
    forceNew: true,
    reconnectionDelay: 50,
    reconnectionDelayMax: 500,
  })
  // Refused while the server can't look: Socket.IO tries again by itself only when the connection
  // broke.
  socket.on('connect_error', () => void setTimeout(() => !socket.active && socket.connect(), 200))
  const under = () => (socket.connected ? UnderSocketIo.parse(socket.io.engine.transport).ws : null)
  const wire: Wire = {
    cut() {
      const ws = under()
      ws?.terminate()
      return ws !== null
    },
    async pause(ms) {
      const ws = under()
      ws?.pause()
      await delay(ms)
      ws?.resume()
    },
    close: () => socket.disconnect(),
  }
  return { socket, wire }
}

/** Reads the rows that a view lacks, until it has them; the server may be away meanwhile. */
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

const Place = z.object({ id: z.string(), epoch: z.string(), seq: z.number(), job: Job })
const Answer = z.union([
  Place.extend({ mode: z.literal('snapshot') }),
  Place.extend({
    mode: z.literal('replay'),
    events: z.array(z.tuple([z.number(), z.string(), z.record(z.string(), z.unknown())])),
  }),
  z.object({ id: z.string(), error: z.object({ code: z.string() }) }),
])
const Answers = z.union([z.array(Answer), z.object({ error: z.object({ code: z.string() }) })])
const Events = z.array(
  z.tuple([z.string(), z.number().nullable(), z.string(), z.record(z.string(), z.unknown())]),
)
const askAgainMs = 200

/** A client that watches jobs over Socket.IO, as docs/protocol.md tells it to. */
export function openWatcher(user: ChaosUser, url: string, account: Account) {
  const { socket, wire } = openSocket(user, url)
  const views = new Map<string, JobView>()
  let epoch: string | undefined

  function ask(asked: readonly JobView[], fromStart = false): void {
    const open = asked.filter((view) => !view.ended && view.door === 'closed')
    if (open.length === 0 || !socket.connected) return
    for (const view of open) view.door = 'asked'
    const jobs = open.map(({ id, position }) => ({
      id,
      since: position ?? (fromStart && epoch !== undefined ? { epoch, seq: 0 } : undefined),
    }))
    const connection = socket.id
    const again = (view: JobView) => {
      view.door = 'closed'
      setTimeout(() => socket.id === connection && ask([view]), askAgainMs)
    }
    socket.emit('watch', { jobs }, (sent: unknown) => {
      const answers = Answers.parse(sent)
      if (!Array.isArray(answers)) return open.forEach(again)
      for (const [i, answer] of answers.entries()) {
        const view = open[i]
        if (!view || answer.id !== view.id)
          throw new Error('The answers are in another order than the questions')
        if ('error' in answer) again(view)
        else answered(view, answer, jobs[i]?.since)
      }
    })
  }

  function answered(
    view: JobView,
    answer: Exclude<z.infer<typeof Answer>, { error: object }>,
    since?: { epoch: string; seq: number },
  ): void {
    view.door = 'open'
    epoch = answer.epoch
    if (answer.epoch !== answer.job.epoch || answer.seq !== answer.job.seq)
      view.say('is acknowledged as of two positions')
    if (answer.mode === 'snapshot') {
      account.snapshots++
      view.take(answer.job)
      return
    }
    account.replays++
    if (since?.epoch !== answer.epoch) view.say('is replayed from another epoch')
    view.position ??= since ?? null
    for (const event of answer.events) view.event(...event)
    view.confirm(answer.job)
  }

  socket.on('connect', () => {
    for (const view of views.values()) view.door = 'closed'
    ask([...views.values()])
  })
  socket.on('events', (sent: unknown) => {
    for (const [id, ...event] of Events.parse(sent)) {
      const view = views.get(id)
      if (view) view.event(...event)
      else account.problems.push(`${id}: an event of a job that was never watched`)
    }
  })
  socket.on('resync', (sent: unknown) => {
    const { id, job } = Place.parse(sent)
    const view = views.get(id)
    if (!view || view.door === 'closed' || view.door === 'asked')
      account.problems.push(`${id}: a resync without a watch`)
    else if (view.door === 'open') {
      account.resyncs++
      view.take(job)
    }
  })
  // Only a store that has lost its last moments may say so of a job that it knew.
  socket.on('revoked', ({ id }: { id?: string }) => {
    const view = views.get(id ?? '')
    if (!view) account.problems.push(`Signed out (${id})`)
    else {
      view.door = 'closed'
      setTimeout(() => ask([view]), askAgainMs)
    }
  })

  return {
    wire,
    /** @param fromStart asks for all that happened so far, where it knows the epoch */
    watch(view: JobView, fromStart: boolean): void {
      views.set(view.id, view)
      ask([view], fromStart)
    },
    /** Looks away for a moment and goes on where it was. */
    lookAway(view: JobView): void {
      if (view.ended || view.door !== 'open' || !socket.connected) return
      view.door = 'leaving'
      socket.emit('unwatch', { jobs: [view.id] }, () => {
        if (view.door !== 'leaving') return
        view.door = 'closed'
        setTimeout(() => ask([view]), askAgainMs)
      })
    },
  }
}
