import type { BenchEvent } from './bench-event.ts'

/** What all contenders share. */
export interface Ground {
  redis: string
  database: string
  /** The account that all clients belong to, and its key. */
  userId: string
  apiKey: string
}

/** The side that a worker is on. */
export interface Publisher {
  /** A job that clients can watch; its id. */
  begin(): Promise<string>
  /** Sends the next event of a job. Events are sent in the order of the calls. */
  publish(jobId: string, event: BenchEvent): Promise<unknown>
  close(): Promise<unknown>
}

export interface Watcher {
  close(): void
  /** For those who look now and then: how many different moments of their jobs they have seen. */
  momentsSeen?(): number
}

/**
 * One way to bring the events of jobs to those who watch them: a server process, somebody who
 * publishes, and clients.
 */
export interface Contender {
  name: string
  /** The file in this folder that its server process runs. */
  server: string
  openPublisher(ground: Ground): Promise<Publisher>
  /**
   * Connects a client; resolves when every later event of these jobs is on its way to it.
   * @param heard is given each text that reaches the client
   */
  watch(
    url: string,
    jobIds: readonly string[],
    ground: Ground,
    heard: (text: string) => void,
  ): Promise<Watcher>
}
