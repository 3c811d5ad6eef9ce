import type { Position } from '#jobs/position.ts'
import type { Shard } from '#jobs/redis/keys.ts'

/** An event: numbered 1, 2, 3… under an epoch; null if only the latest of its kind matters. */
export interface Numbered {
  readonly seq: number | null
}

export type Reading<State extends Position, Event extends Numbered> =
  | { mode: 'replay'; state: State; events: Event[] }
  | { mode: 'snapshot'; state: State }

/**
 * The record of a topic's events, and the channel that announces each of them. Messages of the
 * channel may get lost; the ledger has every event.
 */
export interface Ledger<State extends Position, Event extends Numbered> {
  /** Identifies the topic to its readers and in the log. */
  readonly name: string
  readonly channel: string
  parse(message: string): { epoch: string; event: Event }
  /**
   * The current state, with the events since a position if they are few.
   * @returns null if the topic's subject doesn't exist
   */
  read(since: Position | null): Promise<Reading<State, Event> | null>
  /**
   * The current position; null if it can be found only by {@link read}.
   * @param epochs the epoch of a shard, asked for once per round of checks
   */
  position(epochs: Epochs): Promise<Position | null>
  /** Whether this event is the last. */
  endsWith(event: Event): boolean
  /** Whether no event follows this state. */
  isOver(state: State): boolean
}

export type Epochs = (shard: Shard) => Promise<string>
