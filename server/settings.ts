import { z } from 'zod'
import { commonSettings } from '#jobs/settings.ts'

export const serverSettings = commonSettings
  .extend({
    /** A port in use is an error. Unset: the first free port from 3000 on. */
    PORT: z.coerce.number().int().min(0).max(65_535).optional(),
    HOST: z.string().min(1).default('127.0.0.1'),
    /** The address at which people open Searchlight: for origin checks, cookies and links. */
    PUBLIC_URL: z.url({ protocol: /^https?$/ }).optional(),
    /** Signs cookies; the same on all servers. */
    AUTH_SECRET: z
      .string()
      .min(32, 'at least 32 characters; make one with: openssl rand -base64 32'),
    ADMIN_EMAIL: z.email().optional(),
    ADMIN_PASSWORD: z.string().optional(),
    /** Searches that may wait for a worker, in total and per user. Further starts are refused. */
    MAX_WAITING: z.coerce.number().int().min(1).default(10_000),
    MAX_WAITING_PER_USER: z.coerce.number().int().min(1).default(100),
    /** How long a request may take until its answer begins; then it is answered with 503. */
    REQUEST_TIMEOUT_MS: z.coerce.number().int().min(500).max(600_000).default(4_500),
    SHUTDOWN_GRACE_MS: z.coerce.number().int().min(0).max(600_000).default(10_000),
  })
  .refine(
    (settings) => (settings.ADMIN_EMAIL === undefined) === (settings.ADMIN_PASSWORD === undefined),
    {
      path: ['ADMIN_EMAIL'],
      message: 'set ADMIN_EMAIL and ADMIN_PASSWORD together',
    },
  )
export type ServerSettings = z.infer<typeof serverSettings>
