import { domainToUnicode } from 'node:url'
import { addressOf } from '../../pages/web-address.ts'

const reversed = (name: string) => name.split('.').reverse().join('.')

/** The names under which a site may be in the graph: reversed, in Punycode and in Unicode. */
export const graphNames = (site: string) => [reversed(site), reversed(domainToUnicode(site))]

/** @param name a domain as the graph writes it: `com.example`. */
export function siteOf(name: string): string | null {
  return addressOf(`https://${reversed(name)}/`)?.site ?? null
}
