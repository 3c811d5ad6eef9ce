import { StateEvent } from '#jobs/events.ts'
import type { Job } from '#jobs/job.ts'
import { isLive } from '#jobs/lifecycle.ts'
import { parseRing } from '#jobs/redis/announcements.ts'
import type { Log } from '#jobs/redis/connect.ts'
import type { JobReading, Position } from '#jobs/redis/read-job.ts'
import { type JobReader, LiveEvent } from './live-event.ts'
import type { ChannelListener, Subscriber } from './subscriber.ts'

export interface JobTopicDeps {
  subscriber: Subscriber
  /** From Redis, else from the archive; null when it is in neither. */
  read(id: string, since: Position | null): Promise<JobReading | null>
  log: Log
  /** The topic has no reader any more. */
  onEmpty(topic: JobTopic): void
}

interface Reading {
  /** The seq that it was brought up to; null while its first reading is under way. */
  seq: number | null
  /** What the topic was brought to meanwhile by a resync; `waiting` follows it. */
  resync: Job | null
  /** The events that came meanwhile. */
  waiting: LiveEvent[]
}

/** Heals in a row that found events of which no message told: the connection is deaf. */
const deafAfterHeals = 2

/**
 * One job that somebody on this server watches. Pub/sub is the doorbell, the stream is the ledger: messages that follow one another are
 * passed on as they come; whatever does not fit is read from the stream. No event is skipped, none is delivered twice.
 */
export class JobTopic implements ChannelListener {
  readonly id: string
  readonly channel: string
  readonly #deps: JobTopicDeps
  readonly #readers = new Map<JobReader, Reading>()
  #subscribed: Promise<void> | null = null
  #known: Position | null = null
  /** Messages that came before the first reading was here. */
  #early: string[] = []
  #healing = false
  #healAgain = false
  #silentHeals = 0
  /** Set once nothing more will come, with the reason that readers are given. */
  #over: { code: 'not_found' | null } | null = null
  /** Whether a message came since the last position check. */
  rang = false

  constructor(id: string, channel: string, deps: JobTopicDeps) {
    this.id = id
    this.channel = channel
    this.#deps = deps
  }

  get position(): Position | null {
    return this.#known
  }

  /**
   * Subscribes, waits for the acknowledgement, reads, answers, and only then delivers what came meanwhile.
   * @param answer told the reading, at once before the first event; says whether the reader stays
   */
  async watch(reader: JobReader, since: Position | null, answer: (reading: JobReading | null) => boolean): Promise<void> {
    const place: Reading = { seq: null, resync: null, waiting: [] }
    this.#readers.set(reader, place)
    try {
      this.#subscribed ??= this.#deps.subscriber.subscribe(this.channel, this)
      await this.#subscribed
      const reading = await this.#deps.read(this.id, since)
      const stays = answer(reading)
      if (this.#readers.get(reader) !== place) return
      if (!stays || !reading) {
        this.unwatch(reader)
        return
      }
      const { epoch, seq, state } = reading.job
      if (!isLive(state)) {
        this.unwatch(reader)
        reader.closed(this.id, null)
        return
      }
      place.seq = seq
      if (place.resync && (place.resync.epoch !== epoch || place.resync.seq > seq)) {
        place.seq = place.resync.seq
        reader.resync(place.resync)
      }
      for (const event of place.waiting) this.#give(reader, place, event)
      place.waiting = []
      this.#known ??= { epoch, seq }
      if (this.#known.epoch !== epoch || this.#known.seq < seq) this.heal()
      for (const text of this.#early.splice(0)) this.message(text)
      if (this.#over) this.#closeAll(this.#over.code)
    } catch (error) {
      this.unwatch(reader)
      throw error
    }
  }

  unwatch(reader: JobReader): void {
    this.#readers.delete(reader)
    if (this.#readers.size === 0) this.#deps.onEmpty(this)
  }

  message(text: string): void {
    this.rang = true
    this.#silentHeals = 0
    if (!this.#known) {
      this.#early.push(text)
      return
    }
    const { seq, epoch, type, data } = parseRing(text)
    const event = new LiveEvent(this.id, seq, type, data)
    if (epoch !== this.#known.epoch) this.heal()
    else if (seq === null) this.#fanOut(event)
    else if (seq <= this.#known.seq) return
    // What does not follow is read from the ledger; while that is under way, it is read once more.
    else if (this.#healing || seq > this.#known.seq + 1) this.heal()
    else this.#advance(event, seq)
  }

  recovered(): void {
    this.heal()
  }

  /** The ledger is further than we are, though nobody rang. Twice in a row, and the connection is deaf. */
  healSilently(): void {
    if (++this.#silentHeals >= deafAfterHeals) {
      this.#silentHeals = 0
      this.#deps.subscriber.recycle()
    }
    this.heal()
  }

  /** Reads what is missing and passes it on. One at a time; asked again meanwhile, it reads again. */
  heal(): void {
    this.#healAgain = true
    if (this.#healing) return
    this.#healing = true
    this.#healUntilCurrent()
      .catch((error) => this.#deps.log.warn({ err: error, job: this.id }, 'Could not read what was missed; will try again'))
      .finally(() => {
        this.#healing = false
      })
  }

  async #healUntilCurrent(): Promise<void> {
    while (this.#healAgain && this.#readers.size > 0) {
      this.#healAgain = false
      const reading = await this.#deps.read(this.id, this.#known)
      if (!reading) this.#closeAll('not_found')
      else if (reading.mode === 'replay') {
        for (const { seq, type, data } of reading.events) {
          if (!this.#known || seq > this.#known.seq)
            this.#advance(new LiveEvent(this.id, seq, type, data), seq, reading.job.epoch)
        }
        // The end may have been delivered before: an ended job that replays nothing is closed all the same.
        if (!isLive(reading.job.state)) this.#closeAll(null)
      } else {
        this.#resync(reading.job)
      }
    }
  }

  #advance(event: LiveEvent, seq: number, epoch = this.#known?.epoch ?? ''): void {
    this.#known = { epoch, seq }
    this.#fanOut(event)
    if (event.type === 'state' && !isLive(StateEvent.parse(JSON.parse(event.data)).state)) this.#closeAll(null)
  }

  #fanOut(event: LiveEvent): void {
    for (const [reader, place] of this.#readers) {
      if (place.seq === null) place.waiting.push(event)
      else this.#give(reader, place, event)
    }
  }

  #give(reader: JobReader, place: Reading, event: LiveEvent): void {
    if (event.seq !== null) {
      if (place.seq !== null && event.seq <= place.seq) return
      place.seq = event.seq
    }
    reader.event(event)
  }

  #resync(job: Job): void {
    this.#known = { epoch: job.epoch, seq: job.seq }
    for (const [reader, place] of this.#readers) {
      if (place.seq === null) {
        place.resync = job
        place.waiting = []
      } else {
        place.seq = job.seq
        reader.resync(job)
      }
    }
    if (!isLive(job.state)) this.#closeAll(null)
  }

  /** Those whose first reading is under way are closed when they have been given it, and what came meanwhile. */
  #closeAll(code: 'not_found' | null): void {
    this.#over = { code }
    for (const [reader, place] of [...this.#readers]) {
      if (place.seq === null) continue
      this.#readers.delete(reader)
      reader.closed(this.id, code)
    }
    if (this.#readers.size === 0) this.#deps.onEmpty(this)
  }
}
