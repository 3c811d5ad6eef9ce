import { z } from 'zod'
import type { Manifest } from '../manifest.ts'
import { mergeLinks, mergePages, writeLinks } from './merge-links.ts'
import type { MergeOptions } from './merge-options.ts'
import { mergePhrases } from './merge-phrases.ts'
import { rankSites } from './rank-sites.ts'

const count = z.number().int()
const Counts = z.object({
  pages: count,
  links: count,
  externalLinks: count,
  sites: count,
  targetSites: count,
  edges: count,
})

/** Merges the rows of all datasets into one set of tables (schema.ts). */
export async function mergeSources(
  options: MergeOptions,
): Promise<Pick<Manifest, 'counts' | 'tables'>> {
  const { staging, signal, onProgress } = options
  const reportMerged = (done: number) =>
    onProgress({ phase: 'Merging sources', done, total: 2, unit: 'tables' })
  reportMerged(0)
  await mergePages(options)
  reportMerged(1)
  await mergeLinks(options)
  reportMerged(2)
  await rankSites(staging, {
    signal,
    onRound: (done) => onProgress({ phase: 'Ranking sites', done, total: null, unit: 'rounds' }),
  })

  const [counted] = await staging.read(
    Counts,
    `SELECT (SELECT count(*) FROM pages)::DOUBLE AS pages, count(*)::DOUBLE AS links,
       (count(*) FILTER (source_site <> target_site))::DOUBLE AS "externalLinks",
       (SELECT count(DISTINCT site) FROM pages)::DOUBLE AS sites,
       (count(DISTINCT target_site) FILTER (source_site <> target_site))::DOUBLE AS "targetSites",
       (SELECT count(*) FROM edges)::DOUBLE AS edges
     FROM links`,
  )
  const counts = Counts.parse(counted)
  const linkTables = await writeLinks(options, { withEdges: counts.edges > 0 })
  const pages = await staging.copy('pages', 'SELECT * EXCLUDE (page) FROM pages ORDER BY key')
  const sites = await staging.copy('sites', 'FROM sites ORDER BY site')
  const phrases = await mergePhrases(options)
  return {
    counts: { ...counts, ...phrases.counts },
    tables: {
      pages: { shards: [pages] },
      sites: { shards: [sites] },
      phrases: { shards: phrases.shards },
      ...linkTables,
    },
  }
}
