/**
 * `<shard>-<UUIDv7>`: the id alone finds its job, and ids of one shard sort by time of creation.
 */
const pattern = /^(\d{1,2})-[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

export function makeJobId(shard: number, uuidV7: string): string {
  return `${shard}-${uuidV7}`
}

/** The shard that holds the job, or null when this is no id of a job. */
export function shardOfJob(id: string): number | null {
  const match = pattern.exec(id)
  return match ? Number(match[1]) : null
}

/**
 * All jobs of a user are in one shard, so that one script can look at all of them. FNV-1a, 32 bits.
 */
export function shardOfUser(userId: string, shards: number): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < userId.length; i++) hash = Math.imul(hash ^ userId.charCodeAt(i), 0x01000193)
  return (hash >>> 0) % shards
}
