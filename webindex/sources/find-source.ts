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
 * What somebody asks to be added to the index. Paths are relative to the import folder; '' where
 * one is not given.
 */
export interface ImportOrder {
  kind: ImportKind
  /** A file or a folder; of a web graph the file of its vertices. */
  path: string
  /** What the source is to be called; '' for a name made of what it is. */
  name: string
  /** Of a folder: the address at which it is published. */
  baseUrl: string
  /** Of Search Console: whose export it is. */
  property: string
  /** Of a web graph. */
  edges: string
  ranks: string
  /** Of a web graph: the domains whose referring domains are wanted. */
  targets: string[]
}

/** Finds what is to be imported. */
export interface Imports {
  /**
   * @throws {ImportIncomplete} and what the reader of the source throws, all of them told to people
   * as they are.
   */
  find(order: ImportOrder): Promise<Dataset>
}

/** Something that this kind of source needs was not said. */
export class ImportIncomplete extends IndexProblem {}

export interface ImportPlaces {
  /**
   * Answers the real path of what was asked for.
   * @throws {IndexProblem} where it is not there, or not to be read
   */
  open(path: string): Promise<string>
  /** Of the installed packages. */
  nodeModules: string
  now(): Date
}

export function createImports({ open, nodeModules, now }: ImportPlaces): Imports {
  return {
    async find({ kind, path, name, baseUrl, property, edges, ranks, targets }) {
      if (kind === 'packages')
        return { ...starterSource({ nodeModules, seenAt: now() }), ...named(name) }
      if (!path) throw new ImportIncomplete('Say which file or folder to read.')
      const file = await open(path)
      switch (kind) {
        case 'warc':
          return warcSource({ path: file, ...named(name) })
        case 'wat':
          return watSource({ path: file, ...named(name) })
        case 'html':
          if (!baseUrl)
            throw new ImportIncomplete(
              'Say at which address the folder is published, such as https://example.com/docs/.',
            )
          return folderSource({ path: file, baseUrl, ...named(name) })
        case 'search-console':
          if (!property)
            throw new ImportIncomplete(
              'Say whose export it is: the property as Search Console names it, such as sc-domain:example.com.',
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
