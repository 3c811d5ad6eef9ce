import { z } from 'zod'
import { defineSearch, type SearchContext } from '#jobs/define-search.ts'
import { SearchFailed } from '#jobs/errors.ts'
import type { SearchTools } from '#searches/search-tools.ts'
import type { BuildOptions, Built, IndexBuilds } from '#webindex/build/builds.ts'
import type { Manifest } from '#webindex/manifest.ts'
import { type ImportKind, type Imports, importKinds } from '#webindex/sources/find-source.ts'

/** Which fields the form asks for, by what is chosen: `only` is read by it (form-fields.ts). */
const adding = (...kind: ImportKind[]) => ({
  only: { action: ['add'], ...(kind.length > 0 ? { kind } : {}) },
})

const text = (most = 500) => z.string().trim().max(most, `At most ${most} characters.`).default('')

const Input = z.object({
  action: z
    .enum(['add', 'remove', 'compact', 'stats'])
    .default('add')
    .meta({
      title: 'What to do',
      description:
        'Add a source, or replace the one of its name; remove one; write the index anew without what nobody uses; or only show what it holds.',
      labels: { add: 'Add source', remove: 'Remove', compact: 'Compact', stats: 'Show' },
    }),
  kind: z
    .enum(importKinds)
    .default('warc')
    .meta({
      ...adding(),
      title: 'Kind',
      description: 'What is added.',
      labels: {
        warc: 'Web archive (WARC)',
        wat: 'Web archive metadata (WAT)',
        html: 'Folder of HTML and Markdown',
        'search-console': 'Search Console export',
        webgraph: 'Common Crawl domain graph',
        packages: 'Installed npm packages',
      },
    }),
  path: text().meta({
    ...adding('warc', 'wat', 'html', 'search-console', 'webgraph'),
    title: 'File or folder',
    description:
      'Below the import folder of this installation (IMPORT_DIR). Of a domain graph, the file of its vertices.',
    examples: ['CC-MAIN-20260101-00000.warc.gz'],
  }),
  name: text(200).meta({
    only: { action: ['add', 'remove'] },
    title: 'Source',
    description: 'Which source to remove, or another name than its own for one to add.',
  }),
  baseUrl: text(2048).meta({
    ...adding('html'),
    title: 'Published at',
    description: 'Of a folder: the address of its front page.',
    examples: ['https://example.com/docs/'],
  }),
  property: text(2048).meta({
    ...adding('search-console'),
    title: 'Property',
    description: 'Of a Search Console export: whose it is.',
    examples: ['sc-domain:example.com'],
  }),
  edges: text().meta({
    ...adding('webgraph'),
    title: 'Edges file',
    description: 'Of a domain graph.',
  }),
  ranks: text().meta({
    ...adding('webgraph'),
    title: 'Ranks file',
    description: 'Of a domain graph.',
  }),
  targets: text(30_000).meta({
    ...adding('webgraph'),
    title: 'Domains wanted',
    description: 'Of a domain graph: whose referring domains to keep, one a line.',
  }),
})
type Input = z.output<typeof Input>

export const indexBuild = defineSearch<SearchTools, typeof Input>({
  name: 'index-build',
  title: 'Build the index',
  description:
    'Adds files to the index that all searches read, or removes them. Searches that run meanwhile go on with the index as it was.',
  forAdmins: true,
  // Another attempt would read everything again, and meet what the first one met.
  attempts: 1,
  timeoutMs: 24 * 60 * 60_000,
  input: Input,
  columns: [
    {
      key: 'source',
      label: 'Source',
      type: 'text',
      help: 'A source of the index as it is now, by its name.',
    },
    { key: 'kind', label: 'Kind', type: 'text', help: 'What was imported.' },
    {
      key: 'pages',
      label: 'Pages',
      type: 'number',
      help: 'Pages that this source holds; the same page of several sources counts in each.',
    },
    { key: 'links', label: 'Links', type: 'number', help: 'Links of those pages.' },
    {
      key: 'queries',
      label: 'Queries',
      type: 'number',
      help: 'Different queries of its query log.',
    },
    {
      key: 'edges',
      label: 'Linking sites',
      type: 'number',
      help: 'Pairs of sites of which it says only that one links to the other.',
    },
    {
      key: 'ranks',
      label: 'Ranked sites',
      type: 'number',
      help: 'Sites whose place in a ranking of the web it knows.',
    },
    {
      key: 'bad',
      label: 'Skipped',
      type: 'number',
      help: 'Rows that could not be read when it was added.',
    },
    { key: 'added_at', label: 'Added', type: 'date', help: 'When it was added.' },
  ],

  async *run(
    input,
    { openIndex, builds, imports, signal, progress, note }: SearchContext<SearchTools>,
  ) {
    let sources: Manifest['sources']
    if (input.action === 'stats') {
      const { generation } = await openIndex()
      note(tellLive(generation))
      sources = generation.sources
    } else {
      const built = await change(
        { ...input, action: input.action },
        { builds, imports },
        { signal, onProgress: progress },
      )
      for (const words of tellBuilt(built)) note(words)
      sources = built.manifest.sources
    }
    for (const { name, kind, pages, links, queries, edges, ranks, bad, addedAt } of sources)
      yield { source: name, kind, pages, links, queries, edges, ranks, bad, added_at: addedAt }
  },
})

async function change(
  input: Input & { action: 'add' | 'remove' | 'compact' },
  { builds, imports }: { builds: IndexBuilds; imports: Imports },
  options: BuildOptions,
): Promise<Built> {
  switch (input.action) {
    case 'compact':
      return builds.compact(options)
    case 'remove':
      if (!input.name)
        throw new SearchFailed('Say under “Source” which one to remove, by its name.')
      return builds.remove(input.name, options)
    case 'add': {
      const targets = input.targets.split(/\s+/).filter(Boolean)
      return builds.add(await imports.find({ ...input, targets }), options)
    }
  }
}

/** What a source may hold, one and many. */
const nouns = {
  pages: ['page', 'pages'],
  links: ['link', 'links'],
  queries: ['query', 'queries'],
  edges: ['pair of linking sites', 'pairs of linking sites'],
  ranks: ['ranked site', 'ranked sites'],
  reported: ['reported link', 'reported links'],
  passed: ['row that nobody asked for', 'rows that nobody asked for'],
} as const
const counted = (count: number, [one, many]: readonly [string, string]) =>
  `${number.format(count)} ${count === 1 ? one : many}`
const number = new Intl.NumberFormat('en')

/** What a build did, in sentences for people. */
export function tellBuilt({ manifest, read, samples, remarks }: Built): string[] {
  const found = (
    ['pages', 'links', 'queries', 'edges', 'ranks', 'reported', 'passed'] as const
  ).flatMap((what) => (read[what] > 0 ? [counted(read[what], nouns[what])] : []))
  return [
    ...(found.length > 0 ? [`Read ${found.join(', ')}.`] : []),
    ...remarks,
    ...(read.bad > 0
      ? [
          `Skipped ${counted(read.bad, ['row', 'rows'])} that could not be read, such as: ${samples
            .slice(0, 5)
            .map(({ place, reason }) => `${place}: ${reason}`)
            .join('; ')}.`,
        ]
      : []),
    tellLive(manifest),
  ]
}

function tellLive({
  id,
  counts: { pages, links, sites },
}: Pick<Manifest, 'id' | 'counts'>): string {
  return `The index is live as generation ${id}: ${counted(pages, nouns.pages)} of ${counted(sites, ['site', 'sites'])}, ${counted(links, nouns.links)}.`
}
