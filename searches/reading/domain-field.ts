import { z } from 'zod'
import { readTarget } from '#webindex/pages/link-target.ts'
import type { LineReading } from './read-lines.ts'

/** A web address in any form that people paste, normalised; parsing the output changes nothing. */
export function domainField(meta: { title: string; description: string; examples: string[] }) {
  return (
    z
      .string()
      .trim()
      .min(1, 'Enter a domain, such as redis.io.')
      .max(2048, 'Too long for a web address.')
      // Before the transform: examples on a transformed schema don't reach the form.
      .meta(meta)
      .transform((written, context) => {
        const reading = readTarget(written)
        if (reading.ok) return reading.target.text
        context.addIssue({ code: 'custom', message: reading.reason, input: written })
        return z.NEVER
      })
  )
}

/** Reads a line that names a domain, a page of it, or an owner on a code host: its site. */
export function readSite(line: string): LineReading<string> {
  const reading = readTarget(line)
  if (!reading.ok) return { ok: false, reason: 'has no domain of the public web' }
  const { site } = reading.target
  return { ok: true, key: site, value: site }
}

/** The site of a domain that `domainField` has accepted. */
export function siteOfField(domain: string): string {
  const reading = readTarget(domain)
  if (!reading.ok) throw new TypeError(reading.reason) // The schema accepted it, so this is a bug.
  return reading.target.site
}
