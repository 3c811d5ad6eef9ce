import { ensurePostgres, stopPostgres } from './postgres.ts'
import { ensureRedis, stopRedis } from './redis.ts'
import type { Service, ServiceOptions } from './service.ts'

/** How to start and stop each service. */
const kinds = {
  redis: { title: 'Redis', variable: 'REDIS_URL', ensure: ensureRedis, stop: stopRedis },
  postgres: {
    title: 'PostgreSQL',
    variable: 'DATABASE_URL',
    ensure: ensurePostgres,
    stop: stopPostgres,
  },
} as const

type Name = keyof typeof kinds

/**
 * Starts or adopts the named services, except those that the environment gives a URL for: they are
 * managed elsewhere.
 */
export async function ensureServices(
  names: readonly Name[],
  environment: Record<string, string | undefined>,
  options: ServiceOptions,
): Promise<Service[]> {
  const missing = names.filter((name) => !environment[kinds[name].variable])
  const results = await Promise.allSettled(missing.map((name) => kinds[name].ensure(options)))
  const services = results.flatMap((result) =>
    result.status === 'fulfilled' ? [result.value] : [],
  )
  const failure = results.find((result) => result.status === 'rejected')
  if (failure === undefined) return services
  await stopServices(services.filter((service) => !service.adopted))
  throw failure.reason
}

/** Restarts a service on the same port, so that its clients can reconnect. */
export function restartService(service: Service, options: ServiceOptions): Promise<Service> {
  return kinds[service.name].ensure({ ...options, port: service.port })
}

/** Stops services in the given order; callers list Redis before PostgreSQL. */
export async function stopServices(services: readonly Service[]): Promise<void> {
  for (const service of services) await kinds[service.name].stop(service)
}

export function titleOf(service: Service): string {
  return kinds[service.name].title
}

/** The environment variables of the services: `REDIS_URL`, `DATABASE_URL`. */
export function urlsOf(services: readonly Service[]): Record<string, string> {
  return Object.fromEntries(services.map((service) => [kinds[service.name].variable, service.url]))
}
