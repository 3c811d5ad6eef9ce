import type { Socket } from 'socket.io'
import { z } from 'zod'
import { JobState } from '#jobs/job.ts'
import type { Log } from '#jobs/redis/connect.ts'
import type { JobReading } from '#jobs/redis/read-job.ts'
import type { Principal } from '../accounts/authenticate.ts'
import { maySee } from '../find-job.ts'
import type { Hub } from './hub.ts'
import type { ListReader } from './list-topic.ts'
import type { Lists } from './lists.ts'
import { type Connection, Outbox } from './outbox.ts'

export interface SessionDeps {
  hub: Hub
  lists: Lists
  stillValid(principal: Principal): Promise<boolean>
  log: Log
}

const limits = { jobsPerWatch: 200, watchesPerSocket: 1_000 }
/** Sessions end, keys are revoked and people are banned while their sockets stay open. */
const revalidateEveryMs = 60_000
const outboxCheckMs = 5_000

const Watch = z.object({
  jobs: z
    .array(
      z.object({
        id: z.string().max(64),
        since: z.object({ epoch: z.string().max(64), seq: z.number().int().nonnegative() }).optional(),
      }),
    )
    .max(limits.jobsPerWatch),
})
const Unwatch = z.object({ jobs: z.array(z.string().max(64)).max(limits.watchesPerSocket) })
const OpenFeed = z.object({ filter: z.object({ state: JobState.optional(), search: z.string().max(64).optional() }).optional() })

const failure = (code: string, message: string) => ({ error: { code, message } })
const notFound = (id: string) => ({ id, ...failure('not_found', 'There is no such search.') })

/** One connected client: what it watches, the lists that it has open, and the outbox for all of it. */
export function serveSocket(socket: Socket, principal: Principal, deps: SessionDeps): void {
  const { hub, lists, log } = deps
  const watched = new Set<string>()
  const openLists = new Map<'jobs' | 'feed', { close(): void }>()
  const outbox = new Outbox(connectionOf(socket), {
    snapshot: (id) => hub.snapshot(id),
    now: () => performance.now(),
    onTooSlow(why) {
      log.warn({ user: principal.userId, why }, 'Closed a socket that reads too slowly')
      socket.conn.close()
    },
  })
  // The outbox, with what this socket must remember of each job.
  const reader = {
    event: outbox.event.bind(outbox),
    resync: outbox.resync.bind(outbox),
    closed(id: string, code: 'not_found' | null) {
      watched.delete(id)
      outbox.closed(id, code)
    },
  }

  on(socket, 'watch', Watch, async ({ jobs }, acknowledge) => {
    if (watched.size + jobs.length > limits.watchesPerSocket) {
      acknowledge(failure('too_large', `At most ${limits.watchesPerSocket} watches.`))
      return
    }
    const ids = jobs.map(({ id }) => id)
    outbox.hold(ids)
    const answers = jobs.map(async ({ id, since }) => {
      stopWatching(id)
      watched.add(id)
      let answer: object = notFound(id)
      await hub.watch(reader, id, since ?? null, (reading) => {
        const visible = reading !== null && maySee(reading.job, principal)
        if (visible) answer = answerOf(reading)
        else watched.delete(id)
        return visible
      })
      return answer
    })
    try {
      acknowledge(await Promise.all(answers))
    } finally {
      outbox.release(ids)
    }
  })

  on(socket, 'unwatch', Unwatch, async ({ jobs }, acknowledge) => {
    jobs.forEach(stopWatching)
    acknowledge({})
  })

  on(socket, 'jobs:open', z.object({}), async (_, acknowledge) => {
    const mine: ListReader = { wants: () => true, changes: (changed, removed) => outbox.list('jobs', changed, removed) }
    acknowledge({ jobs: (await openList('jobs', lists.openMine(principal.userId, mine))).jobs })
  })

  on(socket, 'feed:open', OpenFeed, async ({ filter = {} }, acknowledge) => {
    if (principal.role !== 'admin') {
      acknowledge(failure('forbidden', 'Only admins see the searches of everybody.'))
      return
    }
    const feed: ListReader = {
      wants: (job) =>
        (filter.state === undefined || job.state === filter.state) &&
        (filter.search === undefined || job.search === filter.search),
      changes: (changed, removed, counts) => outbox.list('feed', changed, removed, counts),
    }
    const { jobs, counts } = await openList('feed', lists.openFeed(feed))
    acknowledge({ jobs, counts })
  })

  on(socket, 'jobs:close', z.object({}), async () => closeList('jobs'))
  on(socket, 'feed:close', z.object({}), async () => closeList('feed'))

  const revalidate = setInterval(() => {
    deps.stillValid(principal).then(
      (valid) => {
        if (valid) return
        socket.emit('revoked', { code: 'unauthenticated' })
        socket.disconnect(true)
      },
      (error) => log.warn({ err: error }, 'Could not check a session; will try again'),
    )
  }, revalidateEveryMs)
  const checkOutbox = setInterval(() => outbox.check(), outboxCheckMs)

  socket.on('disconnect', () => {
    clearInterval(revalidate)
    clearInterval(checkOutbox)
    outbox.close()
    for (const id of watched) hub.unwatch(reader, id)
    closeList('jobs')
    closeList('feed')
  })

  function stopWatching(id: string): void {
    if (!watched.delete(id)) return
    hub.unwatch(reader, id)
    outbox.forget(id)
  }

  async function openList<Opened extends { close(): void }>(name: 'jobs' | 'feed', opening: Promise<Opened>): Promise<Opened> {
    closeList(name)
    const opened = await opening
    // An opening that overtook this one: it is replaced, not forgotten.
    openLists.get(name)?.close()
    if (socket.disconnected) opened.close()
    else openLists.set(name, opened)
    return opened
  }

  function closeList(name: 'jobs' | 'feed'): void {
    openLists.get(name)?.close()
    openLists.delete(name)
    outbox.forgetList(name)
  }

  /** Parses what a client sends; whatever goes wrong is told in its acknowledgement. */
  function on<Message>(
    from: Socket,
    event: string,
    schema: z.ZodType<Message>,
    handle: (message: Message, acknowledge: (answer: unknown) => void) => Promise<void>,
  ): void {
    from.on(event, (sent: unknown, ack: unknown) => {
      const acknowledge = typeof ack === 'function' ? (answer: unknown) => ack(answer) : () => {}
      const message = schema.safeParse(sent ?? {})
      if (!message.success) {
        const [issue] = message.error.issues
        acknowledge(failure('invalid_input', `${issue?.path.join('.')}: ${issue?.message}`))
        return
      }
      handle(message.data, acknowledge).catch((error) => {
        log.error({ err: error, event }, 'A socket message failed')
        acknowledge(failure('internal', 'Searchlight could not answer. Please try again.'))
      })
    })
  }
}

/** Past Socket.IO's own buffer, which has no bounds: straight to its transport, one frame at a time. */
function connectionOf({ conn }: Socket): Connection {
  return {
    get writable() {
      return conn.transport.writable
    },
    write: (data) => {
      conn.write(data)
    },
    // The transport's own `drain` comes before it is writable again, and the connection's as soon as a frame is handed over.
    onWritable: (callback) => {
      conn.transport.on('ready', callback)
    },
  }
}

function answerOf(reading: JobReading): object {
  const { job } = reading
  const at = { id: job.id, mode: reading.mode, epoch: job.epoch, seq: job.seq, job }
  if (reading.mode === 'snapshot') return at
  return { ...at, events: reading.events.map(({ seq, type, data }) => [seq, type, JSON.parse(data)]) }
}
