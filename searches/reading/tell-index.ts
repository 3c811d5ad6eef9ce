import type { Generation } from '#webindex/query/engine.ts'

/** Which generation of the index a search reads, and how large it is. */
export function tellGeneration(
  { id, builtAt, counts, bytes }: Generation,
  held: 'links' | 'phrases',
): string {
  const pages = counts.pages.toLocaleString('en')
  const rows = counts[held].toLocaleString('en')
  return `Reads the index of ${builtAt.slice(0, 16).replace('T', ' ')} UTC (generation ${id}): ${pages} pages, ${rows} ${held}, ${(bytes / 1e6).toFixed(1)} MB.`
}

const mostNamed = 5

/** What an empty answer is worth, and how to get a better one. */
export function tellWhatIsHeld({ counts, sources }: Generation): string {
  const named = sources
    .slice(0, mostNamed)
    .map((source) => `${source.name}, ${source.pages.toLocaleString('en')} pages`)
  const more =
    sources.length > mostNamed
      ? [`and ${(sources.length - mostNamed).toLocaleString('en')} more`]
      : []
  const held = [...named, ...more].join('; ')
  return (
    `It knows pages of ${counts.sites.toLocaleString('en')} sites only (${held}): this says nothing about the rest of the web. ` +
    '`npm run index -- stats` shows what it holds, and `npm run index -- add` adds to it: files of Common Crawl, a site of your own, exports of Search Console.'
  )
}
