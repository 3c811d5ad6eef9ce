import { readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { DuckDBInstance } from '@duckdb/node-api'

/** How files get damaged: full disks, interrupted copies, deletions, mix-ups. */
export type Damage = 'truncated' | 'overwritten' | 'emptied' | 'missing' | 'another table'

export async function breakFile(path: string, damage: Damage): Promise<void> {
  const bytes = readFileSync(path)
  if (damage === 'truncated') truncateSync(path, Math.floor(bytes.length / 2))
  else if (damage === 'overwritten')
    writeFileSync(
      path,
      bytes.map((byte, at) => (at >= 4 && at < bytes.length - 8 ? byte ^ 0x5a : byte)),
    )
  else if (damage === 'emptied') writeFileSync(path, '')
  else if (damage === 'missing') rmSync(path)
  else {
    const instance = await DuckDBInstance.create()
    const connection = await instance.connect()
    await connection.run(`COPY (SELECT 1 AS something) TO '${path}' (FORMAT parquet)`)
    connection.closeSync()
    instance.closeSync()
  }
}
