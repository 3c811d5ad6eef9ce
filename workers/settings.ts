import { z } from 'zod'
import { AllowPrivate } from '#crawler/allowed-addresses.ts'
import type { Search } from '#jobs/define-search.ts'
import { commonSettings } from '#jobs/settings.ts'
import { catalog } from '#searches/catalog.ts'

const maxSlots = 256
const Slots = z.coerce.number().int().min(1).max(maxSlots)

/** `4` for every type, or `keywords=8,site-crawl=50` for some. */
const Concurrency = z
  .string()
  .default('')
  .transform((written, context) => {
    const ofType = new Map<string, number>()
    let ofEach: number | undefined
    for (const part of written.split(',').filter((text) => text.trim() !== '')) {
      const [first = '', second] = part.split('=').map((text) => text.trim())
      const slots = Slots.safeParse(second ?? first)
      const known = second === undefined || catalog.some(({ name }) => name === first)
      if (!slots.success || !known) {
        const types = catalog.map(({ name }) => name).join(', ')
        context.addIssue({
          code: 'custom',
          message: `“${part.trim()}” is neither a number from 1 to ${maxSlots} nor like keywords=8; the types are ${types}`,
        })
        return z.NEVER
      }
      if (second === undefined) ofEach = slots.data
      else ofType.set(first, slots.data)
    }
    return { ofType, ofEach }
  })

const defaultSlots = 4

/** How many searches of a type this process runs at once. */
export function slotsOf(
  { name, slots = defaultSlots }: Pick<Search, 'name' | 'slots'>,
  { ofType, ofEach }: z.output<typeof Concurrency>,
): number {
  return ofType.get(name) ?? ofEach ?? slots
}

export const workerSettings = commonSettings.extend({
  /** How many searches of a type a worker process runs at once, instead of the type's own number. */
  WORKER_CONCURRENCY: Concurrency,
  /** How long running searches may go on after SIGTERM before they are handed back to the queue. */
  SHUTDOWN_GRACE_MS: z.coerce.number().int().min(0).max(600_000).default(10_000),
  /** Days that ended jobs are kept; unset, they are kept forever. */
  ARCHIVE_DAYS: z.coerce.number().positive().max(36_500).optional(),
  /** Memory that all searches of a worker together may use to read the index. */
  INDEX_MEMORY_MB: z.coerce.number().int().min(64).max(1_000_000).default(256),
  INDEX_THREADS: z.coerce.number().int().min(1).max(256).default(2),
  /** Memory that an index build may use before it spills to the disk of INDEX_DIR. */
  BUILD_MEMORY_MB: z.coerce.number().int().min(256).max(1_000_000).default(512),
  /** The only folder whose files admins can build the index from. */
  IMPORT_DIR: z.string().min(1).default('.data/import'),
  /** Networks that a crawl may reach besides the public internet: CIDRs separated by commas. */
  CRAWL_ALLOW_PRIVATE: AllowPrivate,
  /** Where site owners can learn who crawls them; part of the User-Agent. */
  CRAWL_CONTACT: z
    .string()
    .max(200)
    .regex(/^[\x21-\x7e]+$/, 'a URL or an email address, without spaces')
    .optional(),
})
