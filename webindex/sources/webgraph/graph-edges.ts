import { basename } from 'node:path'
import type { SourceItem } from '../../source.ts'
import { shown } from '../shown.ts'
import { siteOf, writtenAs } from './graph-domain.ts'
import type { Blocks, LineBlock } from './graph-lines.ts'
import { mostNames } from './graph-ranks.ts'
import { cellsIn, eachEdge, readId } from './graph-rows.ts'
import { type KeptEdges, keepEdges } from './kept-edges.ts'

interface EdgeFiles {
  vertices: string
  edges: string
  blocks: Blocks
  /** Takes in the domains that are found to link, as the graph writes them. */
  known: Set<string>
}

/**
 * The links to some sites. The edges are read once, the vertices twice: before them for the
 * targets, after them for the names of the others.
 */
export async function* edgesTo(
  sites: string[],
  { vertices, edges, blocks, known }: EdgeFiles,
): AsyncGenerator<SourceItem> {
  const numbers = new Map<number, number>()
  yield* findTargets(sites, numbers, { file: basename(vertices), blocks: blocks(vertices) })
  const found = new Set(numbers.values())
  for (const [number, site] of sites.entries())
    if (!found.has(number)) yield { remark: `${site} is not in the graph.` }
  if (numbers.size === 0) return
  const kept = keepEdges()
  yield* keepEdgesTo(numbers, kept, { file: basename(edges), blocks: blocks(edges) })
  yield* nameEdges(sites, kept, { file: basename(vertices), blocks: blocks(vertices), known })
}

interface ReadFile {
  /** For people. */
  file: string
  blocks: AsyncIterable<LineBlock>
}

/** Fills in which vertices are the targets. */
async function* findTargets(
  sites: string[],
  numbers: Map<number, number>,
  { file, blocks }: ReadFile,
): AsyncGenerator<SourceItem> {
  const wanted = new Map(
    sites.flatMap((site, number) => writtenAs(site).map((name) => [name, number] as const)),
  )
  for await (const block of blocks) {
    let passed = 0
    for (const { cells, line } of cellsIn(block)) {
      const id = readId(cells[0])
      const name = cells[1]
      if (id === null || !name)
        yield { bad: { place: `${file}, line ${line}`, reason: 'it is not an id and a domain' } }
      else {
        passed++
        const number = wanted.get(name)
        if (number !== undefined) numbers.set(id, number)
      }
    }
    yield { passed }
  }
}

async function* keepEdgesTo(
  numbers: Map<number, number>,
  kept: KeptEdges,
  { file, blocks }: ReadFile,
): AsyncGenerator<SourceItem> {
  for await (const block of blocks) {
    const bad: number[] = []
    let passed = 0
    eachEdge(block, (fromId, toId, line) => {
      if (toId < 0) {
        bad.push(line)
        return
      }
      passed++
      const target = numbers.get(toId)
      if (target !== undefined) kept.add(fromId, target)
    })
    for (const line of bad)
      yield { bad: { place: `${file}, line ${line}`, reason: 'it is not two ids' } }
    yield { passed }
  }
}

/** Says of the kept edges which sites they come from. */
async function* nameEdges(
  sites: string[],
  kept: KeptEdges,
  { file, blocks, known }: ReadFile & { known: Set<string> },
): AsyncGenerator<SourceItem> {
  for await (const block of blocks) {
    for (const { cells, line } of cellsIn(block)) {
      const id = readId(cells[0])
      const targets = id === null ? [] : kept.take(id)
      if (targets.length === 0) continue
      const name = cells[1] ?? ''
      const fromSite = siteOf(name)
      if (!fromSite) {
        yield {
          bad: {
            place: `${file}, line ${line}`,
            reason: `“${shown(name)}” is not a domain of the public web`,
          },
        }
        continue
      }
      if (known.size < mostNames) known.add(name)
      for (const target of targets) {
        const toSite = sites[target]
        if (toSite !== undefined && toSite !== fromSite)
          yield { edge: { fromSite, toSite, linkingPages: null, targetPages: null } }
      }
    }
  }
  for (const id of kept.left())
    yield {
      bad: { place: `${file}, id ${id}`, reason: 'an edge comes from it, and it is not there' },
    }
}
