import type { Job } from '#jobs/job.ts'
import { allRows, type JobPlaces } from '#jobs/postgres/find-rows.ts'
import { readArchivedJob } from '#jobs/postgres/read-archive.ts'
import { readJob } from '#jobs/redis/read-job.ts'
import type { EarlierSearch } from '#searches/search-tools.ts'

/**
 * A search of the user who started this job.
 * @param job the job that asks
 */
export async function findEarlier(
  id: string,
  job: string,
  places: JobPlaces,
): Promise<EarlierSearch | null> {
  const [own, earlier] = [await findAny(job, places), await findAny(id, places)]
  if (!own || !earlier || own.userId !== earlier.userId || earlier.id === own.id) return null
  return { search: earlier.search, input: earlier.input, rows: allRows(earlier, places) }
}

/** Reads Redis first: a job leaves it only after the archive has it. */
async function findAny(id: string, { store, db }: JobPlaces): Promise<Job | null> {
  return (await readJob(id, null, store))?.job ?? readArchivedJob(id, db)
}
