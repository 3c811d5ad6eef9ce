/** Which service is out of order, and what a user can do. */
export interface Outage {
  part: 'redis' | 'postgres' | 'unknown'
  /** What is wrong, for people: one sentence. */
  problem: string
  /** The failed call has certainly changed nothing. */
  undone: boolean
}

/** The request took too long, because a service does not answer. */
export class ServiceTimeout extends Error {
  constructor() {
    super('A request took too long')
    this.name = 'ServiceTimeout'
  }
}

/** Redis refuses these commands before it runs them. */
const redisRefusals: [RegExp, string][] = [
  [/\bOOM\b/, 'Redis has no memory left.'],
  [/\bMISCONF\b/, 'Redis cannot write to its disk, which may be full.'],
  [/\bLOADING\b/, 'Redis is loading its data.'],
  [
    /\b(?:READONLY|MASTERDOWN|CLUSTERDOWN|NOREPLICAS|TRYAGAIN)\b/,
    'Redis is switching to a replica.',
  ],
  [/\bBUSY\b/, 'Redis is busy.'],
]
const redisSilence: [RegExp, string][] = [
  [/^Command timed out/, 'Redis does not answer.'],
  [/^Connection is closed|max retries per request limit/, 'Redis is out of reach.'],
]

/** By SQLSTATE or error code; a prefix stands for its whole class. */
const postgresProblems: [string, string][] = [
  ['53100', 'The database’s disk is full.'],
  ['53200', 'The database has no memory left.'],
  ['53300', 'The database has no connections left.'],
  ['53', 'The database has no resources left.'],
  ['57P', 'The database is shutting down or starting.'],
  ['57014', 'The database takes too long to answer.'],
  ['25006', 'The database is read-only.'],
  ['08', 'The database is out of reach.'],
]
const postgresMessages: [RegExp, string][] = [
  [
    /Query read timeout|timeout exceeded when trying to connect|due to connection timeout/,
    'The database does not answer.',
  ],
  [
    /Connection terminated|Client has encountered a connection error/,
    'The database is out of reach.',
  ],
  [
    /remaining connection slots are reserved|too many clients/,
    'The database has no connections left.',
  ],
]
const networkCodes = new Set(['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'EPIPE', 'ENOTFOUND'])

/** The outage behind an error, if trying again later helps; null for any other error. */
export function outageOf(error: unknown): Outage | null {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const outage = ownOutage(cause)
    if (outage) return outage
    if (cause instanceof AggregateError && cause.errors.length > 0) {
      const inner = outageOf(cause.errors[0])
      if (inner) return inner
    }
  }
  return null
}

function ownOutage(error: Error): Outage | null {
  const { message } = error
  const matching = (problems: [RegExp, string][]) =>
    problems.find(([pattern]) => pattern.test(message))?.[1]
  const refusal = matching(redisRefusals)
  if (refusal) return { part: 'redis', problem: refusal, undone: true }
  const silence = matching(redisSilence)
  if (silence) return { part: 'redis', problem: silence, undone: false }
  if (error instanceof ServiceTimeout)
    return { part: 'unknown', problem: 'Searchlight took too long to answer.', undone: false }

  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  const ofCode = postgresProblems.find(([prefix]) => code.startsWith(prefix))?.[1]
  if (ofCode) return { part: 'postgres', problem: ofCode, undone: true }
  // Errors of connections to Redis are events, not errors of calls, so these are PostgreSQL's.
  const unreachable = networkCodes.has(code) ? 'The database is out of reach.' : undefined
  const problem = matching(postgresMessages) ?? unreachable
  return problem === undefined ? null : { part: 'postgres', problem, undone: false }
}
