/** `<shard>-<UUIDv7>`: the id alone locates its job, and a shard's ids sort by creation time. */
const pattern = /^(\d{1,2})-[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

export function makeJobId(shard: number, uuidV7: string): string {
  return `${shard}-${uuidV7}`
}

/** The shard that holds the job, or null if this is not a job id. */
export function shardOfJob(id: string): number | null {
  const match = pattern.exec(id)
  return match ? Number(match[1]) : null
}

/** A user's jobs share a shard, so one script can read all of them. The hash is 32-bit FNV-1a. */
export function shardOfUser(userId: string, shards: number): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < userId.length; i++) hash = Math.imul(hash ^ userId.charCodeAt(i), 0x01000193)
  return (hash >>> 0) % shards
}
