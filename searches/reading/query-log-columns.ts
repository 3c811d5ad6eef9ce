import type { Column } from '#jobs/define-search.ts'

/** How the site of the imported query log did in the results. */
export const queryLogColumns: Column[] = [
  {
    key: 'clicks',
    label: 'Clicks',
    type: 'number',
    help: 'How often such a search led to a click on the site of the query log. Empty if this index has no query log.',
  },
  {
    key: 'position',
    label: 'Position',
    type: 'number',
    help: 'Average position of that site in the results; 1 is the top. Empty where no query log gives it.',
  },
]
