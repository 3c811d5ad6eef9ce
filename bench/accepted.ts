/**
 * Measures what noting accepted starts in PostgreSQL costs them: starts with and without notes
 * alternate, 50 at once.
 */
import { v4 as uuid } from 'uuid'
import { JobInput } from '#jobs/job.ts'
import { archiveMigrations } from '#jobs/postgres/archive.ts'
import { connectPostgres } from '#jobs/postgres/connect.ts'
import { migrateDatabase } from '#jobs/postgres/migrate.ts'
import { openStore } from '#jobs/redis/open-store.ts'
import { AcceptedNotes } from '#server/accepted-notes.ts'
import { startSearch } from '#server/start-search.ts'
import { log, manyTimes, median, rounds, spread, withServices } from './measure.ts'

const starts = 5_000
const input = JobInput.parse({ domain: 'example.com', scope: 'site', follow: 'all', limit: 1_000 })

await withServices(async ({ redis: url, database }) => {
  await migrateDatabase(database, archiveMigrations)
  const postgres = connectPostgres(database)
  const store = await openStore({
    url,
    namespace: 'sl',
    shards: 1,
    name: 'bench',
    retries: null,
    makeEpoch: uuid,
    log,
  })
  const perSecond = { noted: [] as number[], plain: [] as number[] }
  for (let round = 0; round < rounds(7) + 1; round++) {
    for (const variant of ['noted', 'plain'] as const) {
      const notes = new AcceptedNotes({ db: postgres.db, log })
      const accepted = variant === 'noted' ? notes : { add() {} }
      const startedAt = performance.now()
      await manyTimes(starts, 50, (i) =>
        startSearch(
          { userId: `${variant}-${round}-${i}`, search: { name: 'keywords' }, input },
          {
            store,
            accepted,
            waitingLimits: { inAll: 10_000_000, perUser: null },
            now: () => new Date(),
            log,
          },
        ),
      )
      const rate = (starts / (performance.now() - startedAt)) * 1_000
      await notes.close()
      // The first round warms up.
      if (round > 0) perSecond[variant].push(rate)
    }
  }
  const ratio = median(perSecond.noted.map((rate, i) => rate / (perSecond.plain[i] ?? Number.NaN)))
  console.log(`starts/s without notes: ${spread(perSecond.plain)}`)
  console.log(`starts/s with notes:    ${spread(perSecond.noted)}, × ${ratio.toFixed(2)}`)
  store.redis.disconnect()
  await postgres.close()
})
