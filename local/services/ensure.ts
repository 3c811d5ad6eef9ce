import { ensurePostgres, stopPostgres } from './postgres.ts'
import { ensureRedis, stopRedis } from './redis.ts'
import type { Service, ServiceOptions } from './service.ts'

/** How each of our services is had and stopped. */
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
 * The named services, those left out that the environment names a URL of: they are somebody else's.
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

/** Starts one of them again on the port that its clients know. */
export function restartService(service: Service, options: ServiceOptions): Promise<Service> {
  return kinds[service.name].ensure({ ...options, port: service.port })
}

/** Redis before PostgreSQL, the order in which `names` are given everywhere. */
export async function stopServices(services: readonly Service[]): Promise<void> {
  for (const service of services) await kinds[service.name].stop(service)
}

export function titleOf(service: Service): string {
  return kinds[service.name].title
}

/** What the programs are told: `REDIS_URL`, `DATABASE_URL`. */
export function urlsOf(services: readonly Service[]): Record<string, string> {
  return Object.fromEntries(services.map((service) => [kinds[service.name].variable, service.url]))
}
