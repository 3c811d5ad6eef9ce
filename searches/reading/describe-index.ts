import type { Generation } from '#webindex/query/engine.ts'

/** Which generation of the index a search reads, and its size. */
export function describeGeneration(
  { id, builtAt, counts, bytes }: Generation,
  table: 'links' | 'phrases',
): string {
  const pages = counts.pages.toLocaleString('en')
  const rows = counts[table].toLocaleString('en')
  return `Reading the index of ${builtAt.slice(0, 16).replace('T', ' ')} UTC (generation ${id}): ${pages} pages, ${rows} ${table}, ${(bytes / 1e6).toFixed(1)} MB.`
}

const maxNamedSources = 5

/** How little an empty result proves, and how to get a better one. */
export function describeCoverage({ counts, sources }: Generation): string {
  const named = sources
    .slice(0, maxNamedSources)
    .map((source) => `${source.name}, ${source.pages.toLocaleString('en')} pages`)
  const more =
    sources.length > maxNamedSources
      ? [`and ${(sources.length - maxNamedSources).toLocaleString('en')} more`]
      : []
  const covered = [...named, ...more].join('; ')
  return (
    `The index covers only ${counts.sites.toLocaleString('en')} sites (${covered}), so this says nothing about the rest of the web. ` +
    '`npm run index -- stats` shows what it holds. `npm run index -- add` adds Common Crawl files, a site of your own or Search Console exports.'
  )
}
