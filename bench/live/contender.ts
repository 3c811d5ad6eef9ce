import type { BenchEvent } from './bench-event.ts'

/** The services and the account that all contenders share. */
export interface BenchEnvironment {
  redis: string
  database: string
  /** The account of all clients, and its key. */
  userId: string
  apiKey: string
}

/** Publishes the events of jobs, in the place of a worker. */
export interface Publisher {
  /** Creates a job that clients can watch. @returns its id */
  begin(): Promise<string>
  /** Sends the next event of a job. Events are sent in the order of the calls. */
  publish(jobId: string, event: BenchEvent): Promise<unknown>
  close(): Promise<unknown>
}

export interface Watcher {
  close(): void
  /** Polling only: the number of different positions of its jobs that the client has seen. */
  positionsSeen?(): number
}

/** One way to deliver the events of jobs to clients: a server process, a publisher and clients. */
export interface Contender {
  name: string
  /** The main file of its server process, in this folder. */
  server: string
  openPublisher(env: BenchEnvironment): Promise<Publisher>
  /**
   * Connects a client; resolves when it will receive every later event of these jobs.
   * @param onText receives each text that reaches the client
   */
  watch(
    url: string,
    jobIds: readonly string[],
    env: BenchEnvironment,
    onText: (text: string) => void,
  ): Promise<Watcher>
}
