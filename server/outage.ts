/** A part that Searchlight needs, and how it can be out of order. */
export type Outage =
  | {
      part: 'Redis'
      problem: 'unreachable' | 'hung' | 'full' | 'disk_full' | 'loading' | 'read_only'
    }
  | {
      part: 'PostgreSQL'
      problem:
        | 'unreachable'
        | 'hung'
        | 'disk_full'
        | 'out_of_memory'
        | 'too_many_connections'
        | 'not_ready'
        | 'read_only'
    }

const redis = (problem: Extract<Outage, { part: 'Redis' }>['problem']): Outage => ({
  part: 'Redis',
  problem,
})
const postgres = (problem: Extract<Outage, { part: 'PostgreSQL' }>['problem']): Outage => ({
  part: 'PostgreSQL',
  problem,
})

/** The outage that an error or one of its causes tells of; null if it is of another kind. */
export function outageOf(error: unknown): Outage | null {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 8; depth++) {
    const outage = redisOutage(cause) ?? postgresOutage(cause)
    if (outage) return outage
    cause = cause.cause
  }
  return null
}

/** Redis' own words start with a code in capitals; older versions wrap them when a script fails. */
const redisAnswers: [RegExp, Outage][] = [
  [/\bOOM command not allowed/, redis('full')],
  [/\bMISCONF /, redis('disk_full')],
  [/\bLOADING /, redis('loading')],
  [/\bREADONLY /, redis('read_only')],
  [/\bBUSY Redis is busy/, redis('hung')],
  [/\b(CLUSTERDOWN|MASTERDOWN|NOREPLICAS) /, redis('unreachable')],
]

/** The errors of ioredis itself, which have no codes. */
const redisMessages: [RegExp, Outage][] = [
  [/^Command timed out$/, redis('hung')],
  [/^Reached the max retries per request limit/, redis('unreachable')],
  [/^Connection is closed\.$/, redis('unreachable')],
  [/^Command aborted due to connection close$/, redis('unreachable')],
]

function redisOutage({ name, message }: Error): Outage | null {
  const answers = name === 'ReplyError' ? redisAnswers : redisMessages
  return answers.find(([words]) => words.test(message))?.[1] ?? null
}

/** By SQLSTATE, or by its class (the first two characters). */
const postgresAnswers: [RegExp, Outage][] = [
  [/^53100$/, postgres('disk_full')],
  [/^53200$/, postgres('out_of_memory')],
  [/^53[34]00$/, postgres('too_many_connections')],
  [/^57P/, postgres('not_ready')],
  [/^25006$/, postgres('read_only')],
  // Our own limit of a statement's duration.
  [/^57014$/, postgres('hung')],
  [/^58030$/, postgres('disk_full')],
  [/^08/, postgres('unreachable')],
  // ioredis wraps what happens to its sockets, so these are from connections to PostgreSQL.
  [
    /^(ECONN(REFUSED|RESET|ABORTED)|EPIPE|ETIMEDOUT|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH)$/,
    postgres('unreachable'),
  ],
]

/** pg gives these errors neither a name nor a code. */
const postgresMessages: [RegExp, Outage][] = [
  [/^(Query read timeout|timeout e(xpired|xceeded when trying to connect))$/, postgres('hung')],
  [/^Connection terminated due to connection timeout$/, postgres('hung')],
  [/^(Connection terminated|Client has encountered a connection error)/, postgres('unreachable')],
]

function postgresOutage(error: Error): Outage | null {
  // Node's error for a request whose client went away has the code of a broken connection.
  if (error.message === 'aborted') return null
  const { code } = error as { code?: unknown }
  const answers = typeof code === 'string' ? postgresAnswers : postgresMessages
  const text = typeof code === 'string' ? code : error.message
  return answers.find(([words]) => words.test(text))?.[1] ?? null
}

/**
 * True if the part certainly refused the whole step that failed. Otherwise it may have done it: a
 * step whose answer did not arrive in time may still be done later.
 */
export function refusedAll({ part, problem }: Outage): boolean {
  return (
    part === 'Redis' && (problem === 'full' || problem === 'disk_full' || problem === 'read_only')
  )
}

interface Words {
  /** What happened: continues after the name of the part. */
  happened: string
  /** What the person who runs this installation can do. */
  todo: string
}

const words: {
  [Part in Outage['part']]: Record<Extract<Outage, { part: Part }>['problem'], Words>
} = {
  Redis: {
    unreachable: {
      happened: 'cannot be reached',
      todo: 'see whether Redis runs, and whether REDIS_URL and the network lead to it.',
    },
    hung: {
      happened: 'does not answer in time',
      todo: 'see whether Redis is stopped, swaps memory or runs a long command.',
    },
    full: {
      happened: 'has reached its memory limit and accepts no changes',
      todo: 'raise maxmemory of Redis, or remove what else it holds.',
    },
    disk_full: {
      happened: 'cannot save to its disk and accepts no changes',
      todo: 'free space on the disk of Redis; its log says which file it cannot write.',
    },
    loading: {
      happened: 'is still loading its data',
      todo: 'wait until Redis has loaded its data; its log says when.',
    },
    read_only: {
      happened: 'accepts no changes because it is a replica',
      todo: 'let REDIS_URL lead to the primary.',
    },
  },
  PostgreSQL: {
    unreachable: {
      happened: 'cannot be reached',
      todo: 'see whether PostgreSQL runs, and whether DATABASE_URL and the network lead to it.',
    },
    hung: {
      happened: 'does not answer in time',
      todo: 'see whether PostgreSQL is stopped, overloaded or waits for a lock.',
    },
    disk_full: {
      happened: 'cannot write to its disk',
      todo: 'free space on the disk of PostgreSQL; its log says which file it cannot write.',
    },
    out_of_memory: {
      happened: 'has run out of memory',
      todo: 'give PostgreSQL more memory, or lower work_mem and max_connections.',
    },
    too_many_connections: {
      happened: 'accepts no more connections',
      todo: 'raise max_connections of PostgreSQL, or end other clients. Each server and worker takes up to 10.',
    },
    not_ready: {
      happened: 'is starting or shutting down',
      todo: 'wait until PostgreSQL has started; its log says when, or why it cannot.',
    },
    read_only: {
      happened: 'accepts no changes because it is a standby',
      todo: 'let DATABASE_URL lead to the primary.',
    },
  },
}

function wordsFor(outage: Outage): Words {
  return outage.part === 'Redis' ? words.Redis[outage.problem] : words.PostgreSQL[outage.problem]
}

/** "Redis cannot be reached." */
export function sentenceFor(outage: Outage): string {
  return `${outage.part} ${wordsFor(outage).happened}.`
}

/** "See whether Redis runs, …", for the person who runs this installation. */
export function todoFor(outage: Outage): string {
  return wordsFor(outage).todo
}
