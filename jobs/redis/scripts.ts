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

/** A self-contained script; it announces nothing. */
export const plainScript = (name: string) => script(read(name))
/** A script that changes a job and announces it; the functions of scripts/shared.lua precede it. */
export const changeScript = (name: string) => script(`${read('shared')}\n${read(name)}`)

/**
 * Runs a script by its hash. Sends the source only if Redis does not know the script yet: at first
 * use, or after a restart.
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
