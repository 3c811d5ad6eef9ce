import { CoalescedTask } from '#jobs/coalesced-task.ts'
import type { Log } from '#jobs/log.ts'
import type { Position } from '#jobs/position.ts'
import type { Shard } from '#jobs/redis/keys.ts'
import type { ChannelListener, Subscriber } from './subscriber.ts'

/**
 * Something that happened: numbered 1, 2, 3… under an epoch, or null for what only the latest of
 * counts.
 */
export interface Numbered {
  readonly seq: number | null
}

export type Reading<State extends Position, Event extends Numbered> =
  | { mode: 'replay'; state: State; events: Event[] }
  | { mode: 'snapshot'; state: State }

/**
 * What a topic is about: a channel that rings whenever something has happened, and the place where
 * it is written down.
 */
export interface Ledger<State extends Position, Event extends Numbered> {
  /** For the log, and for readers of several topics. */
  readonly name: string
  readonly channel: string
  parse(message: string): { epoch: string; event: Event }
  /**
   * How it stands, and what happened since a position where that is little; null when there is no
   * such thing.
   */
  read(since: Position | null): Promise<Reading<State, Event> | null>
  /**
   * Where it stands; null when that can't be told without reading it.
   * @param epochs those of the shards, asked for once per round.
   */
  position(epochs: Epochs): Promise<Position | null>
  /** Whether nothing comes after this event. */
  endsWith(event: Event): boolean
  /** Whether nothing comes after this state. */
  isOver(state: State): boolean
}

export type Epochs = (shard: Shard) => Promise<string>

/** Somebody who is told. None of these calls may throw or wait. */
export interface Reader<State, Event> {
  /** The next event in order, or one without a number. */
  event(event: Event): void
  /** Events were missed for good: this is how it stands now. */
  resync(state: State): void
  /**
   * Nothing more will come: the end was told, or (with a code) there is nothing to read any more.
   */
  closed(name: string, code: 'not_found' | null): void
}

export interface TopicDeps<State extends Position, Event extends Numbered> {
  ledger: Ledger<State, Event>
  subscriber: Subscriber
  log: Log
  /** The topic has no reader any more. */
  onEmpty(): void
}

interface Place<State, Event> {
  /** The seq that it was brought up to; null while its first reading is under way. */
  seq: number | null
  /** What the topic was brought to meanwhile by a resync; `waiting` follows it. */
  resync: State | null
  /** The events that came meanwhile. */
  waiting: Event[]
}

/** Heals in a row that found events of which no message told: the connection is deaf. */
const deafAfterHeals = 2

/**
 * One thing that somebody on this server watches: a job, a user's list, everybody's. Pub/sub is the
 * doorbell, the ledger is the truth: messages that follow one another are passed on as they come;
 * whatever does not fit is read from the ledger. No event is skipped, none is told twice.
 */
export class Topic<State extends Position, Event extends Numbered> implements ChannelListener {
  readonly #ledger: Ledger<State, Event>
  readonly #deps: TopicDeps<State, Event>
  readonly #readers = new Map<Reader<State, Event>, Place<State, Event>>()
  #subscribed: Promise<void> | null = null
  #known: Position | null = null
  /** Messages that came before the first reading was here. */
  #early: string[] = []
  readonly #healing: CoalescedTask
  #silentHeals = 0
  /** Whether a message came since the last position check. */
  #rang = false
  /** The end was told while somebody's first reading was still under way. */
  #over = false

  constructor(deps: TopicDeps<State, Event>) {
    this.#ledger = deps.ledger
    this.#deps = deps
    this.#healing = new CoalescedTask(
      () => this.#readWhatIsMissing(),
      (err) =>
        deps.log.warn(
          { err, topic: deps.ledger.name },
          'Could not read what was missed; will try again',
        ),
    )
  }

  /**
   * Subscribes, waits for the acknowledgement, reads, answers, and only then tells what came
   * meanwhile.
   * @param answer is given the reading, at once before the first event; says whether the reader
   * stays
   */
  async watch(
    reader: Reader<State, Event>,
    since: Position | null,
    answer: (reading: Reading<State, Event> | null) => boolean,
  ): Promise<void> {
    const place: Place<State, Event> = { seq: null, resync: null, waiting: [] }
    this.#readers.set(reader, place)
    try {
      this.#subscribed ??= this.#deps.subscriber.subscribe(this.#ledger.channel, this)
      await this.#subscribed
      const reading = await this.#ledger.read(since)
      const stays = answer(reading)
      if (this.#readers.get(reader) !== place) return
      if (!stays || !reading) this.unwatch(reader)
      else if (this.#ledger.isOver(reading.state)) {
        this.unwatch(reader)
        reader.closed(this.#ledger.name, null)
      } else this.#settle(reader, place, reading.state)
    } catch (error) {
      this.unwatch(reader)
      throw error
    }
  }

  unwatch(reader: Reader<State, Event>): void {
    if (this.#readers.delete(reader) && this.#readers.size === 0) this.#deps.onEmpty()
  }

  message(text: string): void {
    this.#rang = true
    this.#silentHeals = 0
    if (!this.#known) {
      this.#early.push(text)
      return
    }
    const { epoch, event } = this.#ledger.parse(text)
    const { seq } = event
    if (epoch !== this.#known.epoch) this.heal()
    else if (seq === null) this.#tell(event)
    else if (seq <= this.#known.seq) return
    // What does not follow is read from the ledger; while that is under way, it is read once more.
    else if (this.#healing.running || seq > this.#known.seq + 1) this.heal()
    else this.#advance(event, { epoch, seq })
  }

  recovered(): void {
    this.heal()
  }

  /**
   * Finds out whether something happened of which no message told: the last event of all is the one
   * that no gap reveals.
   */
  async checkPosition(epochs: Epochs): Promise<void> {
    const rang = this.#rang
    this.#rang = false
    const known = this.#known
    if (rang || !known || this.#healing.running) return
    const now = await this.#ledger.position(epochs)
    if (
      this.#rang ||
      this.#known !== known ||
      (now?.epoch === known.epoch && now.seq === known.seq)
    )
      return
    // Twice in a row, and the connection is deaf.
    if (++this.#silentHeals >= deafAfterHeals) {
      this.#silentHeals = 0
      this.#deps.subscriber.recycle()
    }
    this.heal()
  }

  /** Reads what is missing and tells it. */
  heal(): void {
    this.#healing.request()
  }

  async #readWhatIsMissing(): Promise<void> {
    if (this.#readers.size === 0) return
    this.#over = false
    const reading = await this.#ledger.read(this.#known)
    if (!reading) this.#closeAll('not_found')
    else if (reading.mode === 'snapshot') this.#resync(reading.state)
    else {
      for (const event of reading.events) {
        if (event.seq !== null && (!this.#known || event.seq > this.#known.seq))
          this.#advance(event, { epoch: reading.state.epoch, seq: event.seq })
      }
      // The end may have been told before: what is over and replays nothing is closed all the same.
      if (this.#ledger.isOver(reading.state)) this.#closeAll(null)
    }
  }

  /** The first reading of this reader is here. */
  #settle(
    reader: Reader<State, Event>,
    place: Place<State, Event>,
    { epoch, seq }: Position,
  ): void {
    place.seq = seq
    if (place.resync && (place.resync.epoch !== epoch || place.resync.seq > seq)) {
      place.seq = place.resync.seq
      reader.resync(place.resync)
    }
    for (const event of place.waiting) this.#give(reader, place, event)
    place.waiting = []
    place.resync = null
    this.#known ??= { epoch, seq }
    if (this.#known.epoch !== epoch || this.#known.seq < seq) this.heal()
    for (const text of this.#early.splice(0)) this.message(text)
    if (this.#over) this.heal()
  }

  #advance(event: Event, to: Position): void {
    this.#known = to
    this.#tell(event)
    if (this.#ledger.endsWith(event)) this.#closeAll(null)
  }

  #tell(event: Event): void {
    for (const [reader, place] of this.#readers) {
      if (place.seq === null) place.waiting.push(event)
      else this.#give(reader, place, event)
    }
  }

  #give(reader: Reader<State, Event>, place: Place<State, Event>, event: Event): void {
    if (event.seq !== null) {
      if (place.seq !== null && event.seq <= place.seq) return
      place.seq = event.seq
    }
    reader.event(event)
  }

  #resync(state: State): void {
    this.#known = { epoch: state.epoch, seq: state.seq }
    for (const [reader, place] of this.#readers) {
      if (place.seq === null) {
        place.resync = state
        place.waiting = []
      } else {
        place.seq = state.seq
        reader.resync(state)
      }
    }
    if (this.#ledger.isOver(state)) this.#closeAll(null)
  }

  /**
   * Those whose first reading is under way are told when they have been given it, and what came
   * meanwhile.
   */
  #closeAll(code: 'not_found' | null): void {
    this.#over = true
    for (const [reader, place] of [...this.#readers]) {
      if (place.seq === null) continue
      this.unwatch(reader)
      reader.closed(this.#ledger.name, code)
    }
  }
}
