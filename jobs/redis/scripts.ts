import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Redis } from 'ioredis'
import { bullmqTexts, moveToActive } from './bullmq-scripts.ts'
import { withoutComments, withoutUncalled } from './lua-text.ts'

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

/** A script that changes a job and announces it, after the parts that it calls. */
function changeScript(name: string, ...parts: string[]): Script {
  const rest = [...parts, read(name)].join('\n')
  return script(withoutUncalled(withoutComments(`${read('shared')}\n${rest}`)))
}

/**
 * The scripts that change a job. Those that also change its entry in the queue call BullMQ's own
 * scripts, so that both change in one step.
 */
export const changeScripts = {
  create: changeScript('create-job', read('queue-entry')),
  start: changeScript('start-job', read('start-attempt')),
  write: changeScript('write-job', read('write-run')),
  end: changeScript('end-job'),
  endAttempt: changeScript('end-attempt'),
  delete: changeScript('delete-job'),
  fetch: changeScript('fetch-job', read('start-attempt'), moveToActive, read('take-job')),
  finish: changeScript(
    'finish-job',
    read('start-attempt'),
    read('write-run'),
    moveToActive,
    read('queue-entry'),
    read('take-job'),
  ),
  delay: script(`${read('delay-entry')}\n${bullmqTexts.moveToDelayed.content}`),
}

/**
 * Runs a script by its hash. Sends the source only if Redis does not know the script yet: at first
 * use, or after a restart.
 */
export async function runScript(
  redis: Redis,
  { source, sha }: Script,
  keys: string[],
  args: (string | number | Buffer)[],
): Promise<unknown> {
  try {
    return await redis.evalsha(sha, keys.length, ...keys, ...args)
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('NOSCRIPT'))
      return redis.eval(source, keys.length, ...keys, ...args)
    throw error
  }
}
