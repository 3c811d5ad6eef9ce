import { type SQL, sql } from 'drizzle-orm'
import {
  type AnyPgColumn,
  bigint,
  boolean,
  index,
  integer,
  json,
  pgTable,
  primaryKey,
  text,
  timestamp,
} from 'drizzle-orm/pg-core'
import type { JobInput, JobState, Progress } from '../job.ts'

const time = (name: string) => timestamp(name, { withTimezone: true, precision: 3, mode: 'date' })

/**
 * The key of lists that select by these columns. It is one expression, so that only the index on it
 * fits such a list. With an index on the columns themselves, PostgreSQL may prefer that of another
 * list and skip the jobs that don't fit, for a second if all that fit are old. Ids and names hold
 * no space, so different values have different keys.
 */
export function listKey(...columns: AnyPgColumn[]): SQL {
  return sql`(${sql.join(columns, sql` || ' ' || `)})`
}

/** Jobs as they ended. Columns are `json`, not `jsonb`, to keep the order of keys. */
export const archivedJobs = pgTable(
  'archived_jobs',
  {
    id: text('id').primaryKey(),
    userId: text('user_id').notNull(),
    search: text('search').notNull(),
    input: json('input').$type<JobInput>().notNull(),
    brief: json('brief').$type<JobInput>().notNull(),
    state: text('state').$type<JobState>().notNull(),
    message: text('message'),
    /** The stack of its error, for admins. */
    stack: text('stack'),
    progress: json('progress').$type<Progress>(),
    rowCount: integer('row_count').notNull(),
    /** Null in archives of versions whose rows never changed. */
    patched: boolean('patched'),
    attempt: integer('attempt').notNull(),
    epoch: text('epoch').notNull(),
    seq: bigint('seq', { mode: 'number' }).notNull(),
    createdAt: time('created_at').notNull(),
    startedAt: time('started_at'),
    finishedAt: time('finished_at').notNull(),
  },
  (table) => [
    index('archived_jobs_by_end').on(table.finishedAt),
    // One for each combination of user and type in a filter. Ids only order jobs of one millisecond,
    // so they are sorted when read: here they would double the size.
    index('archived_jobs_of_state').on(table.state, table.createdAt),
    index('archived_jobs_of_type').on(listKey(table.search, table.state), table.createdAt),
    index('archived_jobs_of_user').on(listKey(table.userId, table.state), table.createdAt),
    index('archived_jobs_of_user_and_type').on(
      listKey(table.userId, table.search, table.state),
      table.createdAt,
    ),
  ],
)

/** The rows of the last attempt, in pieces that are found by the index of their first row. */
export const archivedRows = pgTable(
  'archived_rows',
  {
    jobId: text('job_id')
      .notNull()
      .references(() => archivedJobs.id, { onDelete: 'cascade' }),
    /** Index of the first row. */
    from: integer('from_row').notNull(),
    count: integer('count').notNull(),
    rows: json('rows').notNull(),
  },
  (table) => [primaryKey({ columns: [table.jobId, table.from] })],
)

/** States and notes of all attempts. */
export const archivedTimeline = pgTable(
  'archived_timeline',
  {
    jobId: text('job_id')
      .notNull()
      .references(() => archivedJobs.id, { onDelete: 'cascade' }),
    seq: bigint('seq', { mode: 'number' }).notNull(),
    type: text('type').notNull(),
    data: json('data').notNull(),
  },
  (table) => [primaryKey({ columns: [table.jobId, table.seq] })],
)

/**
 * Accepted starts whose jobs are not archived yet: should Redis lose its data, they tell which jobs
 * are lost.
 */
export const acceptedJobs = pgTable('accepted_jobs', {
  id: text('id').primaryKey(),
  userId: text('user_id').notNull(),
  search: text('search').notNull(),
  input: json('input').$type<JobInput>().notNull(),
  brief: json('brief').$type<JobInput>().notNull(),
  acceptedAt: time('accepted_at').notNull(),
})

/** Tombstones: they keep a late archiver from restoring a deleted job. */
export const deletedJobs = pgTable('deleted_jobs', {
  id: text('id').primaryKey(),
  deletedAt: time('deleted_at').notNull(),
})
