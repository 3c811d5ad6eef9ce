import { domainToUnicode } from 'node:url'
import { addressOf } from '../../pages/web-address.ts'

const reversed = (name: string) => name.split('.').reverse().join('.')

/** A site as the graph may write it, internationalised names in either form. */
export const writtenAs = (site: string) => [reversed(site), reversed(domainToUnicode(site))]

/** The site of a domain as the graph writes it. `com.example` */
export function siteOf(host: string): string | null {
  return addressOf(`https://${reversed(host)}/`)?.site ?? null
}
