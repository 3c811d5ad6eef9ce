import type { Column } from '#jobs/define-search.ts'

/** How high a site ranks. */
export const rankColumns: Column[] = [
  {
    key: 'rank',
    label: 'Rank in this index',
    type: 'number',
    unit: 'of 100',
    help: 'Percentage of sites in this index with a lower PageRank; 100 is the top. It describes this index, not the web.',
  },
  {
    key: 'web_rank',
    label: 'Web rank',
    type: 'number',
    unit: 'position',
    help: 'Position among all domains of an imported Common Crawl ranking; 1 is the first. Empty without such an import, or if the domain is not in it.',
  },
]
