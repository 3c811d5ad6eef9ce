import type { ProcessIdentity } from '#processes/process-identity.ts'

/** A Redis or PostgreSQL of our own that answers. */
export interface Service {
  name: 'redis' | 'postgres'
  /** With its password. */
  url: string
  port: number
  process: ProcessIdentity
  /** It ran already: an earlier start left it behind. */
  adopted: boolean
}

export interface ServiceOptions {
  /** Holds the service's data, its log, and a file with its password, port and process. */
  dataDir: string
  /** Data outlive a crash. False is faster; for tests. True by default. */
  durable?: boolean
  /** This port or none: its clients know no other. */
  port?: number
  /** Told what takes long, in a sentence. */
  say?: (sentence: string) => void
}
