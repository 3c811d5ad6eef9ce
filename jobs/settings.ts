import { z } from 'zod'

/** Environment variables that every process of Searchlight reads. */
export const commonSettings = z.object({
  REDIS_URL: z.url({ protocol: /^rediss?$/ }),
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }),
  /** Prefix of all keys and channels. Installations that share a Redis need different ones. */
  REDIS_PREFIX: z
    .string()
    .regex(/^[\w-]{1,40}$/, 'letters, digits, _ and - only')
    .default('sl'),
  SHARDS: z.coerce.number().int().min(1).max(64).default(1),
  INDEX_DIR: z.string().min(1).default('.data/index'),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace']).default('info'),
})

/** The environment is invalid; `issues` has one line for each wrong variable. */
export class InvalidSettings extends Error {
  readonly issues: string[]
  constructor(issues: string[]) {
    super(`Invalid settings:\n${issues.map((issue) => `  ${issue}`).join('\n')}`)
    this.name = 'InvalidSettings'
    this.issues = issues
  }
}

/**
 * Parses the environment; an empty variable counts as unset.
 * @throws {InvalidSettings} naming every wrong variable, not only the first.
 */
export function readSettings<Shape extends z.ZodObject>(
  shape: Shape,
  environment: Record<string, string | undefined>,
): z.output<Shape> {
  const given = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined && value !== ''),
  )
  const result = shape.safeParse(given)
  if (result.success) return result.data
  throw new InvalidSettings(
    result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`),
  )
}
