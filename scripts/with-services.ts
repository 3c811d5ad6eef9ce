import { failureMessage } from '#local/cannot-start.ts'
import { authSecret, indexDir, openDataDir } from '#local/data-dir.ts'
import { handOver, typescript } from '#local/run-child.ts'
import { ensureServices, stopServices, urlsOf } from '#local/services/ensure.ts'
import { isLocked } from '#local/supervisor/lock.ts'

/**
 * Runs a command on the same data as `npm start`. Uses the services that are running, else starts
 * them and stops them afterwards.
 * @returns the exit code of the command.
 */
export async function withServices(
  names: ('redis' | 'postgres')[],
  file: string,
  args: string[],
): Promise<number> {
  try {
    const dataDir = openDataDir(process.env)
    const services = await ensureServices(names, process.env, {
      dataDir,
      say: (sentence) => console.error(sentence),
    })
    const env = {
      ...process.env,
      ...urlsOf(services),
      AUTH_SECRET: authSecret(dataDir, process.env),
      INDEX_DIR: indexDir(dataDir, process.env),
    }
    try {
      return await handOver(process.execPath, typescript(file, ...args), env)
    } finally {
      // Keep services that were running before, or that a start of Searchlight uses by now.
      if (!(await isLocked(dataDir)))
        await stopServices(services.filter((service) => !service.adopted))
    }
  } catch (error) {
    console.error(failureMessage(error))
    return 1
  }
}
