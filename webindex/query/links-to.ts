import type { DuckDBValue } from '@duckdb/node-api'
import type { LinkTarget } from '../pages/link-target.ts'

export interface LinkQuery {
  target: Pick<LinkTarget, 'site' | 'host' | 'key'>
  /** Links to the whole site, to one of its hosts, or to one page. */
  scope: 'site' | 'host' | 'url'
  /** `only`: leave out links marked nofollow, ugc or sponsored. */
  follow: 'all' | 'only'
  /** Maximum number of domains: the top ones (rank-domains.ts). */
  limit: number
}

/**
 * Rows whose target is the site or, for a whole code host, one of its owners (`github.com/…`).
 * `$site <= target_site < $past` only saves time: it lets DuckDB skip row groups, because files are
 * sorted by target.
 */
export const leadsToSite = `
  target_site >= $site AND target_site < $past AND (target_site = $site OR starts_with(target_site, $owners))
  AND source_site <> $site AND NOT starts_with(source_site, $owners)`

/** A reported link counts for its whole target site only: which page it leads to is unknown. */
export const isLinkToTarget = `
  ${leadsToSite} AND ($host::VARCHAR IS NULL OR (target_host = $host AND kind <> 'reported'))
  AND ($key::VARCHAR IS NULL OR target_url = $key) AND NOT ($followOnly AND nofollow) AND kind <> 'metadata'`

/** The parameters of `isLinkToTarget`. */
export function linkValues({ target, scope, follow }: LinkQuery): Record<string, DuckDBValue> {
  return {
    ...targetRange(target),
    host: scope === 'site' ? null : target.host,
    key: scope === 'url' ? target.key : null,
    followOnly: follow === 'only',
  }
}

/**
 * The parameters of `leadsToSite`: the range of `target_site` that holds the target goes from
 * `site` up to, but without, `past`.
 */
export function targetRange({ site }: Pick<LinkTarget, 'site'>) {
  return { site, owners: `${site}/`, past: `${site}0` } // '0' is the character after '/'.
}
