import { CoalescedTask } from '#jobs/coalesced-task.ts'
import type { Log } from '#jobs/log.ts'
import type { Position } from '#jobs/position.ts'
import type { Epochs, Ledger, Numbered, Reading } from './ledger.ts'
import type { ChannelListener, Subscriber } from './subscriber.ts'

/** A receiver of a topic's events. Its methods must not throw or block. */
export interface Reader<State, Event> {
  /** The next event in order, or one without a seq. */
  event(event: Event): void
  /** Some missed events can't be replayed. Continue from this state. */
  resync(state: State): void
  /** Nothing follows: the last event was sent, or (with a code) the ledger is gone. */
  closed(name: string, code: 'not_found' | null): void
}

export interface TopicDeps<State extends Position, Event extends Numbered> {
  ledger: Ledger<State, Event>
  subscriber: Subscriber
  log: Log
  /** Called after the last reader has left. */
  onEmpty(): void
}

/** How far one reader has read. */
interface Cursor<State, Event> {
  /** The seq of the last event sent; null while the reader's first read is under way. */
  seq: number | null
  /** A resync that arrived during the first read; the `waiting` events follow it. */
  resync: State | null
  /** Events that arrived during the first read. */
  waiting: Event[]
}

/**
 * Consecutive catch-ups that found unannounced events. After this many the subscriber is
 * unresponsive: reconnect it.
 */
const unresponsiveAfterHeals = 2

/**
 * One thing that readers on this server watch: a job, a user's list, a shard's feed. Its channel is
 * a doorbell, its ledger the truth: a message announces an event, and may get lost. Each reader
 * receives every event once and in order, or a resync in place of those that it missed.
 *
 * 1. The first reader makes the topic subscribe to the channel and await the acknowledgement.
 * 2. Every reader is answered with a read of the ledger. Events that arrive during the read wait in
 *    the reader's cursor and follow the answer, so none falls in between.
 * 3. A message that carries the next seq is delivered as it is; an older one is dropped. After a
 *    gap, a change of epoch or a reconnect, the topic heals: it reads the ledger from its known
 *    position and delivers what is missing.
 * 4. A lost message leaves a gap only if another one follows, so the hub regularly compares the
 *    position of a silent topic with the ledger's.
 * 5. After the last event, or when the ledger is gone, the topic closes its readers. The hub
 *    removes a topic without readers.
 */
export class Topic<State extends Position, Event extends Numbered> implements ChannelListener {
  readonly #ledger: Ledger<State, Event>
  readonly #deps: TopicDeps<State, Event>
  readonly #cursors = new Map<Reader<State, Event>, Cursor<State, Event>>()
  #subscribed: Promise<void> | null = null
  /** The position up to which events were delivered; null until the first read is done. */
  #known: Position | null = null
  /** Messages that arrived before the first read was done. */
  #earlyMessages: string[] = []
  readonly #healing: CoalescedTask
  #unannouncedHeals = 0
  #messageSinceCheck = false
  /** The readers were closed, except those whose first read was still under way. */
  #ended = false

  constructor(deps: TopicDeps<State, Event>) {
    this.#ledger = deps.ledger
    this.#deps = deps
    this.#healing = new CoalescedTask(
      () => this.#catchUp(),
      (err) =>
        deps.log.warn(
          { err, topic: deps.ledger.name },
          'Could not read missed events; will try again',
        ),
    )
  }

  /**
   * Subscribes, awaits the acknowledgement, reads the ledger and answers; only then delivers the
   * events that arrived meanwhile.
   * @param answer receives the reading, synchronously before the first event; returns false to stop
   * watching
   */
  async watch(
    reader: Reader<State, Event>,
    since: Position | null,
    answer: (reading: Reading<State, Event> | null) => boolean,
  ): Promise<void> {
    const cursor: Cursor<State, Event> = { seq: null, resync: null, waiting: [] }
    this.#cursors.set(reader, cursor)
    try {
      this.#subscribed ??= this.#deps.subscriber.subscribe(this.#ledger.channel, this)
      await this.#subscribed
      const reading = await this.#ledger.read(since)
      const stays = answer(reading)
      if (this.#cursors.get(reader) !== cursor) return
      if (!stays || !reading) this.unwatch(reader)
      else if (this.#ledger.isOver(reading.state)) {
        this.unwatch(reader)
        reader.closed(this.#ledger.name, null)
      } else this.#finishFirstRead(reader, cursor, reading.state)
    } catch (error) {
      this.unwatch(reader)
      throw error
    }
  }

  unwatch(reader: Reader<State, Event>): void {
    if (this.#cursors.delete(reader) && this.#cursors.size === 0) this.#deps.onEmpty()
  }

  /** The seq of the last event sent to a reader; null if it isn't watching or not answered yet. */
  lastSent(reader: Reader<State, Event>): number | null {
    return this.#cursors.get(reader)?.seq ?? null
  }

  message(text: string): void {
    this.#messageSinceCheck = true
    this.#unannouncedHeals = 0
    if (!this.#known) {
      this.#earlyMessages.push(text)
      return
    }
    const { epoch, event } = this.#ledger.parse(text)
    const { seq } = event
    if (epoch !== this.#known.epoch) this.heal()
    else if (seq === null) this.#deliver(event)
    else if (seq <= this.#known.seq) return
    // During a heal, read once more instead: the read under way may not hold this event.
    else if (this.#healing.running || seq > this.#known.seq + 1) this.heal()
    else this.#advance(event, { epoch, seq })
  }

  recovered(): void {
    this.heal()
  }

  /**
   * Heals if the ledger is ahead although no message arrived since the last check: the loss of the
   * last message leaves no gap.
   */
  async checkPosition(epochs: Epochs): Promise<void> {
    const hadMessage = this.#messageSinceCheck
    this.#messageSinceCheck = false
    const known = this.#known
    if (hadMessage || !known || this.#healing.running) return
    const now = await this.#ledger.position(epochs)
    if (
      this.#messageSinceCheck ||
      this.#known !== known ||
      (now?.epoch === known.epoch && now.seq === known.seq)
    )
      return
    if (++this.#unannouncedHeals >= unresponsiveAfterHeals) {
      this.#unannouncedHeals = 0
      this.#deps.subscriber.reconnect()
    }
    this.heal()
  }

  /** Catches up with the ledger. */
  heal(): void {
    this.#healing.request()
  }

  async #catchUp(): Promise<void> {
    if (this.#cursors.size === 0) return
    this.#ended = false
    const reading = await this.#ledger.read(this.#known)
    if (!reading) this.#closeReaders('not_found')
    else if (reading.mode === 'snapshot') this.#resync(reading.state)
    else {
      for (const event of reading.events) {
        if (event.seq !== null && (!this.#known || event.seq > this.#known.seq))
          this.#advance(event, { epoch: reading.state.epoch, seq: event.seq })
      }
      // The replay may be empty because the last event was already delivered, so check the state
      // too.
      if (this.#ledger.isOver(reading.state)) this.#closeReaders(null)
    }
  }

  /**
   * Sends a reader the events that arrived during its first read and brings the topic up to date.
   */
  #finishFirstRead(
    reader: Reader<State, Event>,
    cursor: Cursor<State, Event>,
    { epoch, seq }: Position,
  ): void {
    cursor.seq = seq
    if (cursor.resync && (cursor.resync.epoch !== epoch || cursor.resync.seq > seq)) {
      cursor.seq = cursor.resync.seq
      reader.resync(cursor.resync)
    }
    for (const event of cursor.waiting) this.#send(reader, cursor, event)
    cursor.waiting = []
    cursor.resync = null
    this.#known ??= { epoch, seq }
    if (this.#known.epoch !== epoch || this.#known.seq < seq) this.heal()
    for (const text of this.#earlyMessages.splice(0)) this.message(text)
    if (this.#ended) this.heal()
  }

  #advance(event: Event, to: Position): void {
    this.#known = to
    this.#deliver(event)
    if (this.#ledger.endsWith(event)) this.#closeReaders(null)
  }

  #deliver(event: Event): void {
    for (const [reader, cursor] of this.#cursors) {
      if (cursor.seq === null) cursor.waiting.push(event)
      else this.#send(reader, cursor, event)
    }
  }

  #send(reader: Reader<State, Event>, cursor: Cursor<State, Event>, event: Event): void {
    if (event.seq !== null) {
      if (cursor.seq !== null && event.seq <= cursor.seq) return
      cursor.seq = event.seq
    }
    reader.event(event)
  }

  #resync(state: State): void {
    this.#known = { epoch: state.epoch, seq: state.seq }
    for (const [reader, cursor] of this.#cursors) {
      if (cursor.seq === null) {
        cursor.resync = state
        cursor.waiting = []
      } else {
        cursor.seq = state.seq
        reader.resync(state)
      }
    }
    if (this.#ledger.isOver(state)) this.#closeReaders(null)
  }

  /** Readers whose first read is under way stay: they are closed once it is done. */
  #closeReaders(code: 'not_found' | null): void {
    this.#ended = true
    for (const [reader, cursor] of [...this.#cursors]) {
      if (cursor.seq === null) continue
      this.unwatch(reader)
      reader.closed(this.#ledger.name, code)
    }
  }
}
