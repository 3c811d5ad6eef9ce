import type { Column } from '#jobs/define-search.ts'

/** What a query log says of how its site did in the results. */
export const resultColumns: Column[] = [
  {
    key: 'clicks',
    label: 'Clicks',
    type: 'number',
    help: 'How often such a search led to a click on the site of the query log. Empty if this index has none.',
  },
  {
    key: 'position',
    label: 'Position',
    type: 'number',
    help: 'Average position of the site of the query log in the results, 1 is the top. Empty where no query log tells it.',
  },
]
