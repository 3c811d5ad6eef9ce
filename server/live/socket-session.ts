import type { Socket } from 'socket.io'
import type { z } from 'zod'
import type { Job } from '#jobs/job.ts'
import type { Log } from '#jobs/log.ts'
import type { ErrorCode, Failure } from '#protocol/errors.ts'
import { type ClientMessage, clientMessages, watchLimits } from '#protocol/frames.ts'
import type { Principal } from '../accounts/authenticate.ts'
import { maySee } from '../find-job.ts'
import type { Authorization } from './authorization.ts'
import { failureOf } from './failure-of.ts'
import type { Hub } from './hub.ts'
import type { ListName } from './list-frame.ts'
import type { ListAnswer, ListReader } from './list-view.ts'
import type { Lists, OpenedList } from './lists.ts'
import { MessageRate } from './message-rate.ts'
import { Outbox, type OutboxDeps } from './outbox.ts'
import { SocketConnection } from './socket-connection.ts'
import { answerOf, bytesOf, type UnparsedAnswer } from './watch-answer.ts'

export interface SessionDeps extends OutboxDeps {
  hub: Hub
  lists: Lists
  authorization: Authorization
  log: Log
}

const limits = {
  /** Events that one acknowledgement of `watch` replays; further jobs are sent as snapshots. */
  replayBytesPerWatch: 1024 * 1024,
  /** Messages of one socket that wait for their acknowledgement. */
  unanswered: 200,
  /** Refused messages minus accepted ones. Above this, the client ignores refusals: disconnect. */
  refused: 1_000,
}

/** Refuses a message. Its code and message are sent to the client. */
class Refused extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string) {
    super(message)
    this.code = code
  }
}

const failure = (code: ErrorCode, message: string): Failure => ({ error: { code, message } })
const notFound = (id: string) => ({ id, ...failure('not_found', 'There is no such search.') })

/**
 * One connected client. From connect to disconnect it answers the client's messages, one after the
 * other and each with an acknowledgement, and sends events of the jobs and lists that the client
 * has open through one outbox. No event of a job precedes the acknowledgement of its watch. The
 * session ends when the client disconnects, stops reading, floods it with messages or loses its
 * access; then it stops watching and closes the lists.
 */
export class SocketSession {
  readonly #socket: Socket
  readonly #principal: Principal
  readonly #deps: SessionDeps
  readonly #connection: SocketConnection
  readonly #outbox: Outbox
  readonly #rate: MessageRate
  #lists: Map<ListName, OpenedList> | null = null
  /** Ended jobs that the client has watched; it learns of their deletion. */
  #ended: Set<string> | null = null
  /** Settles once the last message received has been acknowledged; null if none waits. */
  #lastMessage: Promise<void> | null = null
  #unanswered = 0
  #refused = 0

  constructor(socket: Socket, principal: Principal, deps: SessionDeps) {
    this.#socket = socket
    this.#principal = principal
    this.#deps = deps
    this.#connection = new SocketConnection(socket)
    this.#outbox = new Outbox(this.#connection, { ...deps, onEnded: (id) => this.#watchEnded(id) })
    this.#rate = new MessageRate(deps.now())
    const endAdmission = deps.authorization.admit(principal, (code) => {
      socket.emit('revoked', { code })
      socket.disconnect(true)
    })
    socket.onAny((event: string, ...sent: unknown[]) => this.#receive(event, sent))
    socket.on('disconnect', () => {
      endAdmission()
      this.#close()
    })
  }

  /** Disconnects a client that has stopped reading. Call it every few seconds. */
  check(): void {
    this.#outbox.check()
  }

  /** Answers messages in order; the acknowledgement of a failed one holds the error. */
  #receive(event: string, sent: unknown[]): void {
    const last = sent.at(-1)
    const acknowledge = typeof last === 'function' ? (answer: unknown) => last(answer) : () => {}
    const message = typeof sent[0] === 'function' ? undefined : sent[0]
    if (this.#unanswered >= limits.unanswered || !this.#rate.take(this.#deps.now())) {
      if (++this.#refused > limits.refused) this.#socket.disconnect(true)
      else acknowledge(failure('rate_limited', 'Too many messages. Wait a second, then try again.'))
      return
    }
    this.#refused = Math.max(0, this.#refused - 1)
    this.#unanswered++
    const answered = (this.#lastMessage ?? Promise.resolve())
      // If the client does not read its answers, stop answering.
      .then(() => this.#connection.drained())
      .then(() => (this.#socket.connected ? this.#answer(event, message, acknowledge) : undefined))
      .catch((error) => {
        if (error instanceof Refused) return acknowledge(failure(error.code, error.message))
        const { code, message, outage } = failureOf(error)
        this.#deps.log[outage ? 'warn' : 'error']({ err: error, event }, 'A socket message failed')
        acknowledge(failure(code, message))
      })
      .finally(() => {
        this.#unanswered--
        if (this.#lastMessage === answered) this.#lastMessage = null
      })
    this.#lastMessage = answered
  }

  async #answer(
    event: string,
    sent: unknown,
    acknowledge: (answer: unknown) => void,
  ): Promise<void> {
    switch (event) {
      case 'watch':
        return this.#watch(parse(clientMessages.watch, sent), acknowledge)
      case 'unwatch':
        for (const id of parse(clientMessages.unwatch, sent).jobs) this.#unwatch(id)
        return acknowledge({})
      case 'jobs:open':
        parse(clientMessages['jobs:open'], sent)
        return this.#openOwnJobs(acknowledge)
      case 'feed:open':
        return this.#openFeed(parse(clientMessages['feed:open'], sent), acknowledge)
      case 'jobs:close':
      case 'feed:close':
        this.#closeList(event === 'jobs:close' ? 'jobs' : 'feed')
        return acknowledge({})
      default:
        throw new Refused('invalid_input', `Unknown message "${event.slice(0, 64)}".`)
    }
  }

  async #watch(
    { jobs, patches }: ClientMessage<'watch'>,
    acknowledge: (answer: unknown) => void,
  ): Promise<void> {
    const { watched } = this.#outbox
    if (patches) this.#outbox.knowsPatches = true
    const added = new Set(jobs.flatMap(({ id }) => (watched.has(id) ? [] : [id])))
    if (watched.size + added.size > watchLimits.watchesPerSocket)
      throw new Refused(
        'too_large',
        `Watch at most ${watchLimits.watchesPerSocket} jobs per socket.`,
      )
    const ids = jobs.map(({ id }) => id)
    this.#outbox.hold(ids)
    let replayed = 0
    const waiting: Job[] = []
    const answers = jobs.map(async ({ id, since }) => {
      this.#unwatch(id)
      watched.add(id)
      let answer: UnparsedAnswer = notFound(id)
      await this.#deps.hub.watch(this.#outbox, id, since ?? null, (reading) => {
        const visible = reading !== null && maySee(reading.state, this.#principal)
        if (visible) {
          replayed += bytesOf(reading)
          const mayReplay = replayed <= limits.replayBytesPerWatch
          answer = answerOf(reading, { mayReplay, knowsPatches: this.#outbox.knowsPatches })
          if (reading.state.state === 'new') waiting.push(reading.state)
        } else watched.delete(id)
        return visible && this.#socket.connected
      })
      return answer
    })
    const settled = await Promise.allSettled(answers)
    // If the watch fails, the client doesn't know it is watching; send it no events.
    if (settled.some(({ status }) => status === 'rejected')) for (const id of ids) this.#unwatch(id)
    try {
      acknowledge(await Promise.all(answers))
    } finally {
      this.#outbox.release(ids)
    }
    for (const job of waiting)
      if (watched.has(job.id)) this.#deps.hub.waiting.watch(this.#outbox, job)
  }

  #unwatch(id: string): void {
    if (this.#outbox.watched.delete(id)) {
      this.#deps.hub.unwatch(this.#outbox, id)
      this.#deps.hub.waiting.unwatch(this.#outbox, id)
    }
    if (this.#ended?.delete(id)) this.#deps.hub.unwatchDeletion(this.#outbox, id)
    this.#outbox.forget(id)
  }

  /** Clients ask again for the jobs beyond the limit when they become visible. */
  #watchEnded(id: string): void {
    this.#ended ??= new Set()
    if (this.#ended.size >= watchLimits.watchesPerSocket || !this.#socket.connected) return
    this.#ended.add(id)
    this.#deps.hub.watchDeletion(this.#outbox, id)
  }

  #openOwnJobs(acknowledge: (answer: unknown) => void): Promise<void> {
    const answer = ({ jobs }: ListAnswer) => acknowledge({ jobs })
    return this.#openList('jobs', (reader) =>
      this.#deps.lists.openOwnJobs(this.#principal.userId, reader, answer),
    )
  }

  #openFeed(
    { filter = {} }: ClientMessage<'feed:open'>,
    acknowledge: (answer: unknown) => void,
  ): Promise<void> {
    if (this.#principal.role !== 'admin')
      throw new Refused('forbidden', 'Only admins can see the searches of all users.')
    const answer = ({ jobs, counts }: ListAnswer) => acknowledge({ jobs, counts })
    return this.#openList('feed', (reader) => this.#deps.lists.openFeed(filter, reader, answer))
  }

  /** Opens a list; one of the same name that is open is closed first. */
  async #openList(name: ListName, open: (reader: ListReader) => OpenedList): Promise<void> {
    this.#closeList(name)
    const opened = open({ frame: (frame) => this.#outbox.list(name, frame) })
    this.#lists ??= new Map()
    this.#lists.set(name, opened)
    await opened.answered
  }

  #closeList(name: ListName): void {
    this.#lists?.get(name)?.close()
    this.#lists?.delete(name)
    this.#outbox.forgetList(name)
  }

  #close(): void {
    this.#outbox.close()
    for (const id of this.#outbox.watched) {
      this.#deps.hub.unwatch(this.#outbox, id)
      this.#deps.hub.waiting.unwatch(this.#outbox, id)
    }
    for (const id of this.#ended ?? []) this.#deps.hub.unwatchDeletion(this.#outbox, id)
    this.#closeList('jobs')
    this.#closeList('feed')
  }
}

/** @throws {Refused} */
function parse<Message>(schema: z.ZodType<Message>, sent: unknown): Message {
  const message = schema.safeParse(sent ?? {})
  if (message.success) return message.data
  const [issue] = message.error.issues
  throw new Refused(
    'invalid_input',
    [issue?.path.join('.'), issue?.message].filter(Boolean).join(': '),
  )
}
