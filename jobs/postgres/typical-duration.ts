import { sql } from 'drizzle-orm'
import { z } from 'zod'
import type { Database } from './connect.ts'

const Median = z.object({ ms: z.coerce.number().nullable() })

/** The median time that the latest completed jobs of a type took, in ms; null if there are none. */
export async function typicalDuration(search: string, db: Database): Promise<number | null> {
  const { rows } = await db.execute(sql`
    select percentile_cont(0.5) within group (
      order by extract(epoch from finished_at - started_at) * 1000) as ms
    from (select finished_at, started_at from archived_jobs
      where search = ${search} and state = 'complete'
      order by created_at desc, id desc limit 50) latest`)
  return Median.parse(rows[0]).ms
}
