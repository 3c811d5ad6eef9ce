import { Redis } from 'ioredis'
import { changeScripts } from '#jobs/redis/scripts.ts'

/**
 * A server or worker that is killed right after Redis has run the script that `DIES_AFTER` names,
 * before the process has seen the answer.
 */
const name = process.env.DIES_AFTER ?? ''
const script = Object.entries(changeScripts).find(([key]) => key === name)?.[1]
if (!script) throw new Error(`DIES_AFTER names no script: ${name}`)

function dieAfter(method: 'eval' | 'evalsha', text: string): void {
  const original = Redis.prototype[method]
  Redis.prototype[method] = async function (this: Redis, ...args: unknown[]) {
    const answer: unknown = await Reflect.apply(original, this, args)
    // An idle worker asks for jobs again and again; only an answer with a job counts.
    if (args[0] === text && !(Array.isArray(answer) && answer[1] === ''))
      process.kill(process.pid, 'SIGKILL')
    return answer
  }
}
dieAfter('eval', script.source)
dieAfter('evalsha', script.sha)

await (name === 'create' ? import('../server/api-process.ts') : import('../../workers/main.ts'))
