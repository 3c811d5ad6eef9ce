import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { typescript } from '#local/run-child.ts'
import type { BenchEnvironment } from './contender.ts'
import type { Metric, Usage } from './report-usage.ts'

export interface ServerProcess {
  url: string
  measure<Asked extends Metric>(metric: Asked): Promise<Usage[Asked]>
  stop(): Promise<void>
}

/**
 * Starts a server of this folder as a process. PROFILE=<folder> writes a CPU profile of each there.
 */
export async function startServerProcess(
  file: string,
  env: BenchEnvironment,
): Promise<ServerProcess> {
  const profile = process.env.PROFILE ? ['--cpu-prof', '--cpu-prof-dir', process.env.PROFILE] : []
  const args = ['--expose-gc', ...profile, ...typescript(`bench/live/${file}`)]
  const child = spawn(process.execPath, args, {
    env: {
      ...process.env,
      NODE_ENV: 'production',
      REDIS_URL: env.redis,
      DATABASE_URL: env.database,
    },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const message = async () => {
    const [received] = await Promise.race([
      once(child, 'message'),
      once(child, 'exit').then(() => [null]),
    ])
    if (received === null) throw new Error(`${file} has exited`)
    return received
  }
  const { url } = await message()
  return {
    url,
    async measure(metric) {
      child.send(metric)
      return (await message())[metric]
    },
    async stop() {
      const exit = once(child, 'exit')
      child.kill('SIGTERM')
      await exit
    },
  }
}
