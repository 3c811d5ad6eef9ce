import type { ProcessIdentity } from '#processes/process-identity.ts'

/** A running Redis or PostgreSQL that Searchlight manages. */
export interface Service {
  name: 'redis' | 'postgres'
  /** Includes the password. */
  url: string
  port: number
  process: ProcessIdentity
  /** Whether it was already running, left by an earlier start. */
  adopted: boolean
}

export interface ServiceOptions {
  /** Holds the service's data, its log, and a file with its password, port and process. */
  dataDir: string
  /** Whether data survive a crash. Default: true. False is faster, for tests. */
  durable?: boolean
  /** Use only this port, because clients are already configured with it. */
  port?: number
  /** Called with a sentence before each slow step. */
  say?: (sentence: string) => void
}
