import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { typescript } from '#local/run-child.ts'
import type { Answers, Question } from './answer-questions.ts'
import type { Ground } from './contender.ts'

export interface ServerProcess {
  url: string
  ask<Asked extends Question>(question: Asked): Promise<Answers[Asked]>
  stop(): Promise<void>
}

/**
 * Starts a server of this folder in a process of its own. PROFILE=<folder> keeps a CPU profile of
 * each there.
 */
export async function startServerProcess(file: string, ground: Ground): Promise<ServerProcess> {
  const profile = process.env.PROFILE ? ['--cpu-prof', '--cpu-prof-dir', process.env.PROFILE] : []
  const args = ['--expose-gc', ...profile, ...typescript(`bench/live/${file}`)]
  const child = spawn(process.execPath, args, {
    env: {
      ...process.env,
      NODE_ENV: 'production',
      REDIS_URL: ground.redis,
      DATABASE_URL: ground.database,
    },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const message = async () => {
    const [said] = await Promise.race([
      once(child, 'message'),
      once(child, 'exit').then(() => [null]),
    ])
    if (said === null) throw new Error(`${file} has ended`)
    return said
  }
  const { url } = await message()
  return {
    url,
    async ask(question) {
      child.send(question)
      return (await message())[question]
    },
    async stop() {
      const exit = once(child, 'exit')
      child.kill('SIGTERM')
      await exit
    },
  }
}
