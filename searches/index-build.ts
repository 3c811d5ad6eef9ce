import { z } from 'zod'
import { defineSearch, type SearchContext } from '#jobs/define-search.ts'
import { SearchFailed } from '#jobs/errors.ts'
import type { SearchTools } from '#searches/search-tools.ts'
import type { BuildOptions, Built, IndexBuilds } from '#webindex/build/builds.ts'
import type { Manifest } from '#webindex/manifest.ts'
import { type ImportKind, type Imports, importKinds } from '#webindex/sources/find-source.ts'

/** Makes the form (app/search/form-fields.ts) show a field only when adding one of these kinds. */
const onlyToAdd = (...kind: ImportKind[]) => ({
  only: { action: ['add'], ...(kind.length > 0 ? { kind } : {}) },
})

const text = (maxLength = 500) =>
  z.string().trim().max(maxLength, `Enter at most ${maxLength} characters.`).default('')

const Input = z.object({
  action: z
    .enum(['add', 'remove', 'compact', 'stats'])
    .default('add')
    .meta({
      title: 'Action',
      description:
        'Add a source, or replace the one with the same name; remove a source; rewrite all files and delete unused ones; or show the sources.',
      labels: { add: 'Add source', remove: 'Remove', compact: 'Compact', stats: 'Show' },
    }),
  kind: z
    .enum(importKinds)
    .default('warc')
    .meta({
      ...onlyToAdd(),
      title: 'Kind',
      description: 'What to add.',
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
    ...onlyToAdd('warc', 'wat', 'html', 'search-console', 'webgraph'),
    title: 'File or folder',
    description:
      'Path within the import folder (IMPORT_DIR). For a domain graph: the vertices file.',
    examples: ['CC-MAIN-20260101-00000.warc.gz'],
  }),
  name: text(200).meta({
    only: { action: ['add', 'remove'] },
    title: 'Source name',
    description: 'The source to remove, or a name for the new source to replace its default one.',
  }),
  baseUrl: text(2048).meta({
    ...onlyToAdd('html'),
    title: 'Base URL',
    description: 'Where the folder is published: the address of its front page.',
    examples: ['https://example.com/docs/'],
  }),
  property: text(2048).meta({
    ...onlyToAdd('search-console'),
    title: 'Property',
    description: 'The Search Console property that the export belongs to.',
    examples: ['sc-domain:example.com'],
  }),
  edges: text().meta({
    ...onlyToAdd('webgraph'),
    title: 'Edges file',
    description: 'Path of the edges file of the graph.',
  }),
  ranks: text().meta({
    ...onlyToAdd('webgraph'),
    title: 'Ranks file',
    description: 'Path of the ranks file of the graph.',
  }),
  targets: text(30_000).meta({
    ...onlyToAdd('webgraph'),
    title: 'Target domains',
    description: 'Domains whose referring domains to keep, one per line.',
  }),
})
type Input = z.output<typeof Input>

export const indexBuild = defineSearch<SearchTools, typeof Input>({
  name: 'index-build',
  title: 'Build the index',
  description:
    'Add sources to the index that all searches read, or remove them. Running searches keep the index they started with.',
  forAdmins: true,
  // A retry would read everything again and fail in the same way.
  attempts: 1,
  timeoutMs: 24 * 60 * 60_000,
  // Builds wait for each other anyway.
  slots: 1,
  input: Input,
  columns: [
    { key: 'source', label: 'Source', type: 'text', help: 'Name of a source in the index.' },
    { key: 'kind', label: 'Kind', type: 'text', help: 'What was imported.' },
    {
      key: 'pages',
      label: 'Pages',
      type: 'number',
      help: 'Pages in this source. A page in several sources counts in each.',
    },
    { key: 'links', label: 'Links', type: 'number', help: 'Links on those pages.' },
    {
      key: 'queries',
      label: 'Queries',
      type: 'number',
      help: 'Different queries in its query log.',
    },
    {
      key: 'edges',
      label: 'Site-to-site links',
      type: 'number',
      help: 'Pairs of sites where one is known to link to the other, but not from which page.',
    },
    {
      key: 'ranks',
      label: 'Ranked sites',
      type: 'number',
      help: 'Sites with a position in its ranking of the web.',
    },
    {
      key: 'bad',
      label: 'Skipped',
      type: 'number',
      help: 'Rows that could not be read when the source was added.',
    },
    { key: 'added_at', label: 'Added', type: 'date', help: 'When the source was added.' },
  ],

  async *run(
    input,
    { openIndex, builds, imports, signal, progress, note }: SearchContext<SearchTools>,
  ) {
    let sources: Manifest['sources']
    if (input.action === 'stats') {
      const { generation } = await openIndex()
      note(describeLive(generation))
      sources = generation.sources
    } else {
      const built = await change(
        { ...input, action: input.action },
        { builds, imports },
        { signal, onProgress: progress },
      )
      for (const sentence of describeBuild(built)) note(sentence)
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
      if (!input.name) throw new SearchFailed('Enter under “Source name” which source to remove.')
      return builds.remove(input.name, options)
    case 'add': {
      const targets = input.targets.split(/\s+/).filter(Boolean)
      return builds.add(await imports.find({ ...input, targets }), options)
    }
  }
}

/** What a source may hold: singular and plural. */
const nouns = {
  pages: ['page', 'pages'],
  links: ['link', 'links'],
  queries: ['query', 'queries'],
  edges: ['site-to-site link', 'site-to-site links'],
  ranks: ['ranked site', 'ranked sites'],
  reported: ['reported link', 'reported links'],
  passed: ['row not needed', 'rows not needed'],
} as const
const counted = (count: number, [one, many]: readonly [string, string]) =>
  `${number.format(count)} ${count === 1 ? one : many}`
const number = new Intl.NumberFormat('en')

/** What a build did, in sentences for people. */
export function describeBuild({ manifest, read, samples, remarks }: Built): string[] {
  const found = (
    ['pages', 'links', 'queries', 'edges', 'ranks', 'reported', 'passed'] as const
  ).flatMap((kind) => (read[kind] > 0 ? [counted(read[kind], nouns[kind])] : []))
  return [
    ...(found.length > 0 ? [`Read ${found.join(', ')}.`] : []),
    ...remarks,
    ...(read.bad > 0
      ? [
          `Skipped ${counted(read.bad, ['unreadable row', 'unreadable rows'])}, such as: ${samples
            .slice(0, 5)
            .map(({ place, reason }) => `${place}: ${reason}`)
            .join('; ')}.`,
        ]
      : []),
    describeLive(manifest),
  ]
}

function describeLive({
  id,
  counts: { pages, links, sites },
}: Pick<Manifest, 'id' | 'counts'>): string {
  return `The index is live as generation ${id}: ${counted(pages, nouns.pages)} of ${counted(sites, ['site', 'sites'])}, ${counted(links, nouns.links)}.`
}
