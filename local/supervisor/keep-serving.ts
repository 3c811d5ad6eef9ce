import { setTimeout as wait } from 'node:timers/promises'
import { isRunning } from '#processes/process-identity.ts'
import { CannotStart } from '../cannot-start.ts'
import { restartService, titleOf } from '../services/ensure.ts'
import type { Service, ServiceOptions } from '../services/service.ts'
import { restartPolicy } from './keep-running.ts'
import type { ReadableLog } from './readable-log.ts'

/** Services are polled, because an adopted one is not our child and sends no exit event. */
const pollEveryMs = 500

/**
 * Monitors a service until `signal` aborts. If it dies, restarts it on the same port and data.
 * @returns the service as it runs at the end.
 * @throws {CannotStart} if it dies too often or cannot be restarted.
 */
export async function keepServing(
  first: Service,
  options: ServiceOptions & { log: ReadableLog; signal: AbortSignal },
): Promise<Service> {
  const restarts = restartPolicy()
  let service = first
  while (!options.signal.aborted) {
    if (!isRunning(service.process)) {
      const delayMs = restarts.next(performance.now())
      if (delayMs === null)
        throw new CannotStart(
          `${titleOf(service)} ended 5 times within a minute. See its log in ${options.dataDir}`,
        )
      options.log.say(`${titleOf(service)} ended. Restarting it.`)
      service = await restartService(service, options)
    }
    // The loop checks the signal.
    await wait(pollEveryMs, undefined, { signal: options.signal }).catch(() => {})
  }
  return service
}
