import { basename } from 'node:path'
import { readTarget } from '../../pages/link-target.ts'
import type { Dataset, ReaderOptions } from '../../source.ts'
import { BadSource } from '../bad-source.ts'
import { inspectImport } from '../import-file.ts'
import { shown } from '../shown.ts'
import { writtenAs } from './graph-domain.ts'
import { edgesTo } from './graph-edges.ts'
import { type Blocks, lineBlocks } from './graph-lines.ts'
import { mostNames, ranksOf } from './graph-ranks.ts'

export interface WebgraphOptions {
  /** `id, reversed domain[, hosts]`, parted by tabs, gzipped or plain, as are the others. */
  vertices: string
  /** `from id, to id`. */
  edges?: string | undefined
  /** With a line of heads. */
  ranks?: string | undefined
  /** Domains to which links are kept, up to 1,000. With none, only the top of the ranking is. */
  targets: string[]
  name?: string | undefined
}

const mostTargets = 1_000

/**
 * Common Crawl's graph of domains: who links to some targets, and where they stand in its ranking.
 * The edges are read once, the vertices twice.
 * @throws {BadSource} when the targets can't be understood, or nothing is asked for. Reading throws
 * {BadSource} where a file is damaged.
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
      'Without targets only a ranking can be imported: name the domains to which links are wanted, or the ranks.',
    )
  if (sites.length > 0 && !edges && !ranks)
    throw new BadSource('Targets alone say nothing: name the edges of the graph, or its ranks.')
  const graph = sites.length > 0 && edges ? [vertices, edges, vertices] : []
  const files = ranks ? [...graph, ranks] : graph
  let total = 0
  for (const file of files) {
    const found = await inspectImport(file)
    if (!found.isFile())
      throw new BadSource(
        `${basename(file)} can’t be imported: it is a folder, not a file of the graph.`,
      )
    total += found.size
  }
  return {
    name: name ?? `webgraph:${basename(sites.length === 0 && ranks ? ranks : vertices)}`,
    kind: 'webgraph',
    // What is kept has nothing to do with what is read.
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
      const known = new Set(sites.flatMap(writtenAs))
      if (sites.length > 0 && edges) yield* edgesTo(sites, { vertices, edges, blocks, known })
      if (ranks && known.size >= mostNames)
        yield {
          remark: `Ranks were kept for ${mostNames.toLocaleString('en')} of the sites, not for all.`,
        }
      if (ranks) yield* ranksOf(ranks, { blocks, known: sites.length > 0 ? known : null })
    },
  }
}

/** @returns sites, each once. @throws {BadSource} */
function readTargets(targets: string[]): string[] {
  if (targets.length > mostTargets)
    throw new BadSource(
      `${targets.length} targets are too many: up to ${mostTargets} can be asked for at once.`,
    )
  const sites = targets.map((written) => {
    const reading = readTarget(written)
    if (!reading.ok) throw new BadSource(reading.reason)
    const { site } = reading.target
    if (site.includes('/'))
      throw new BadSource(
        `“${shown(written)}” is an owner on a code host; the graph knows whole domains only.`,
      )
    return site
  })
  return [...new Set(sites)]
}
