import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Redis } from 'ioredis'

export interface Script {
  source: string
  sha: string
}

const read = (name: string) =>
  readFileSync(new URL(`./scripts/${name}.lua`, import.meta.url), 'utf8')

export function script(source: string): Script {
  return { source, sha: createHash('sha1').update(source).digest('hex') }
}

/** A script that only reads, or touches no job. */
export const plainScript = (name: string) => script(read(name))
/** A script that changes a job: it stands behind scripts/shared.lua and takes `jobKeys` first. */
export const changeScript = (name: string) => script(`${read('shared')}\n${read(name)}`)

/**
 * Runs it by its hash; Redis is sent the source only when it does not know the script (first use,
 * or it was restarted).
 */
export async function runScript(
  redis: Redis,
  { source, sha }: Script,
  keys: string[],
  args: (string | number)[],
): Promise<unknown> {
  try {
    return await redis.evalsha(sha, keys.length, ...keys, ...args)
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('NOSCRIPT'))
      return redis.eval(source, keys.length, ...keys, ...args)
    throw error
  }
}
