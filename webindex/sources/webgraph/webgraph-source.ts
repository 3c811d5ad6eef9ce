import { basename } from 'node:path'
import { readTarget } from '../../pages/link-target.ts'
import type { Dataset, ReaderOptions } from '../../source.ts'
import { BadSource } from '../files/bad-source.ts'
import { inspectImport } from '../files/import-file.ts'
import { shown } from '../files/shown.ts'
import { graphNames } from './graph-domain.ts'
import { edgesTo } from './graph-edges.ts'
import { type Blocks, lineBlocks } from './graph-lines.ts'
import { maxRankedDomains, ranksOf } from './graph-ranks.ts'

export interface WebgraphOptions {
  /** A file of `id, reversed domain[, hosts]`. All files are tab-separated, gzipped or plain. */
  vertices: string
  /** A file of `from id, to id`. */
  edges?: string | undefined
  /** A file with a header that names its columns. */
  ranks?: string | undefined
  /**
   * Up to 1,000 domains whose referring domains are kept. If empty, only the top ranks are kept.
   */
  targets: string[]
  name?: string | undefined
}

const maxTargets = 1_000

/**
 * Reads Common Crawl's domain graph: the referring domains of some targets, and their ranks. Reads
 * the edges once and the vertices twice.
 * @throws {BadSource} if a target is not a domain or the options select nothing. Reading throws it
 * if a file is damaged.
 */
export async function webgraphSource({
  vertices,
  edges,
  ranks,
  targets,
  name,
}: WebgraphOptions): Promise<Dataset> {
  const sites = readTargets(targets)
  if (sites.length === 0 && !ranks)
    throw new BadSource(
      'There are neither targets nor ranks. Name the domains whose referring domains you want, or the file of ranks.',
    )
  if (sites.length > 0 && !edges && !ranks)
    throw new BadSource(
      'There are targets only. Name the file of edges, the file of ranks, or both.',
    )
  const graph = sites.length > 0 && edges ? [vertices, edges, vertices] : []
  const total = await totalSize(ranks ? [...graph, ranks] : graph)
  return {
    name: name ?? `webgraph:${basename(sites.length === 0 && ranks ? ranks : vertices)}`,
    kind: 'webgraph',
    // The size of the files says nothing about the size of the index.
    bytes: null,
    async *items({ signal, onProgress }: ReaderOptions) {
      let done = 0
      const blocks: Blocks = (path) =>
        lineBlocks(path, {
          signal,
          onBytes(bytes) {
            done += bytes
            onProgress({ done, total, unit: 'bytes' })
          },
        })
      const known = new Set(sites.flatMap(graphNames))
      if (sites.length > 0 && edges) yield* edgesTo(sites, { vertices, edges, blocks, known })
      if (ranks && known.size >= maxRankedDomains)
        yield {
          remark: `Only ${maxRankedDomains.toLocaleString('en')} of the referring domains have ranks.`,
        }
      if (ranks) yield* ranksOf(ranks, { blocks, wanted: sites.length > 0 ? known : null })
    },
  }
}

/** @throws {BadSource} if one of them is not a file. */
async function totalSize(files: string[]): Promise<number> {
  let total = 0
  for (const file of files) {
    const found = await inspectImport(file)
    if (!found.isFile())
      throw new BadSource(
        `${basename(file)} can’t be imported: it is a folder, not a file of the graph.`,
      )
    total += found.size
  }
  return total
}

/** @returns the sites without duplicates. @throws {BadSource} */
function readTargets(targets: string[]): string[] {
  if (targets.length > maxTargets)
    throw new BadSource(
      `${targets.length} targets are too many. Name at most ${maxTargets} at once.`,
    )
  const sites = targets.map((target) => {
    const reading = readTarget(target)
    if (!reading.ok) throw new BadSource(reading.reason)
    const { site } = reading.target
    if (site.includes('/'))
      throw new BadSource(
        `“${shown(target)}” is an owner on a code host, but the graph has whole domains only. Name a domain.`,
      )
    return site
  })
  return [...new Set(sites)]
}
