import { setTimeout as wait } from 'node:timers/promises'
import { isRunning } from '#processes/process-identity.ts'
import { CannotStart } from '../cannot-start.ts'
import { restartService, titleOf } from '../services/ensure.ts'
import type { Service, ServiceOptions } from '../services/service.ts'
import { restartPolicy } from './keep-running.ts'
import type { ReadableLog } from './readable-log.ts'

/** An adopted service is not our child and sends no exit event, so each is looked at. */
const lookEveryMs = 500

/**
 * Watches one of our services until `signal`, and starts it again, on the same port and data, when
 * it has died.
 * @returns the service as it runs at the end.
 * @throws {CannotStart} when it dies too often or cannot be started again.
 */
export async function keepServing(
  first: Service,
  options: ServiceOptions & { log: ReadableLog; signal: AbortSignal },
): Promise<Service> {
  const endings = restartPolicy()
  let service = first
  while (!options.signal.aborted) {
    if (!isRunning(service.process)) {
      const delayMs = endings.next(performance.now())
      if (delayMs === null)
        throw new CannotStart(
          `${titleOf(service)} ended 5 times within a minute. See its log in ${options.dataDir}`,
        )
      options.log.say(`${titleOf(service)} ended. Starting it again.`)
      service = await restartService(service, options)
    }
    await wait(lookEveryMs, undefined, { signal: options.signal }).catch(() => {}) // Asked to end: the loop sees it.
  }
  return service
}
