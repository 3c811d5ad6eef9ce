import { IndexProblem } from '../errors.ts'
import type { Dataset } from '../source.ts'
import { folderSource } from './folder-source.ts'
import { starterSource } from './packages/packages-source.ts'
import { searchConsoleSource } from './search-console/search-console-source.ts'
import { warcSource } from './warc/warc-source.ts'
import { watSource } from './warc/wat-source.ts'
import { webgraphSource } from './webgraph/webgraph-source.ts'

export const importKinds = [
  'warc',
  'wat',
  'html',
  'search-console',
  'webgraph',
  'packages',
] as const
export type ImportKind = (typeof importKinds)[number]

/**
 * A request to add a source to the index. Paths are relative to the import folder, '' if not given.
 */
export interface ImportOrder {
  kind: ImportKind
  /** A file or a folder; for a web graph, its file of vertices. */
  path: string
  /** The name of the source; '' for a name derived from its content. */
  name: string
  /** For `html`: the address at which the folder is published. */
  baseUrl: string
  /** For `search-console`: the property that was exported. */
  property: string
  /** For `webgraph`: the file of edges. */
  edges: string
  /** For `webgraph`: the file of ranks. */
  ranks: string
  /** For `webgraph`: the domains whose referring domains are wanted. */
  targets: string[]
}

/** Finds the dataset to import. */
export interface Imports {
  /** @throws {ImportIncomplete} @throws {IndexProblem} from the reader of the source. */
  find(order: ImportOrder): Promise<Dataset>
}

/** The request lacks an option that this kind of source needs. */
export class ImportIncomplete extends IndexProblem {}

export interface ImportDeps {
  /**
   * Resolves a path of an ImportOrder to a real path.
   * @throws {IndexProblem} if it does not exist or may not be read.
   */
  open(path: string): Promise<string>
  /** The folder of the installed packages. */
  nodeModules: string
  now(): Date
}

export function createImports({ open, nodeModules, now }: ImportDeps): Imports {
  return {
    async find({ kind, path, name, baseUrl, property, edges, ranks, targets }) {
      if (kind === 'packages')
        return { ...starterSource({ nodeModules, seenAt: now() }), ...named(name) }
      if (!path) throw new ImportIncomplete('Give the file or folder to read.')
      const file = await open(path)
      switch (kind) {
        case 'warc':
          return warcSource({ path: file, ...named(name) })
        case 'wat':
          return watSource({ path: file, ...named(name) })
        case 'html':
          if (!baseUrl)
            throw new ImportIncomplete(
              'Give the address at which the folder is published, such as https://example.com/docs/.',
            )
          return folderSource({ path: file, baseUrl, ...named(name) })
        case 'search-console':
          if (!property)
            throw new ImportIncomplete(
              'Give the property that was exported, as Search Console names it, such as sc-domain:example.com.',
            )
          return searchConsoleSource({ path: file, property, ...named(name) })
        case 'webgraph':
          return webgraphSource({
            vertices: file,
            targets,
            ...named(name),
            ...(edges ? { edges: await open(edges) } : {}),
            ...(ranks ? { ranks: await open(ranks) } : {}),
          })
      }
    },
  }
}

const named = (name: string) => (name ? { name } : {})
