import { basename } from 'node:path'
import type { SourceItem } from '../../source.ts'
import { shown } from '../files/shown.ts'
import { graphNames, siteOf } from './graph-domain.ts'
import type { Blocks, LineBlock } from './graph-lines.ts'
import { maxRankedDomains } from './graph-ranks.ts'
import { badLine, cellsIn, eachEdge, readId } from './graph-rows.ts'
import { type KeptEdges, keepEdges } from './kept-edges.ts'

interface EdgeFiles {
  vertices: string
  edges: string
  blocks: Blocks
  /** Receives the referring domains in the graph's notation. */
  known: Set<string>
}

/**
 * The links to some sites. Reads the vertices to find the targets, then the edges, then the
 * vertices again for the names of the referring domains.
 */
export async function* edgesTo(
  sites: string[],
  { vertices, edges, blocks, known }: EdgeFiles,
): AsyncGenerator<SourceItem> {
  const targetById = new Map<number, number>()
  yield* findTargets(sites, targetById, { file: basename(vertices), blocks: blocks(vertices) })
  const found = new Set(targetById.values())
  for (const [number, site] of sites.entries())
    if (!found.has(number)) yield { remark: `${site} is not in the graph.` }
  if (targetById.size === 0) return
  const kept = keepEdges()
  yield* keepEdgesTo(targetById, kept, { file: basename(edges), blocks: blocks(edges) })
  yield* nameEdges(sites, kept, { file: basename(vertices), blocks: blocks(vertices), known })
}

interface ReadFile {
  /** The file name, for people. */
  file: string
  blocks: AsyncIterable<LineBlock>
}

/** @param targetById receives the vertex ids of the targets, with their index in `sites`. */
async function* findTargets(
  sites: string[],
  targetById: Map<number, number>,
  { file, blocks }: ReadFile,
): AsyncGenerator<SourceItem> {
  const wanted = new Map(
    sites.flatMap((site, number) => graphNames(site).map((name) => [name, number] as const)),
  )
  for await (const block of blocks) {
    let passed = 0
    for (const { cells, line } of cellsIn(block)) {
      const id = readId(cells[0])
      const name = cells[1]
      if (id === null || !name) yield badLine(file, line, 'it is not an id and a domain')
      else {
        passed++
        const number = wanted.get(name)
        if (number !== undefined) targetById.set(id, number)
      }
    }
    yield { passed }
  }
}

async function* keepEdgesTo(
  targetById: Map<number, number>,
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
      const target = targetById.get(toId)
      if (target !== undefined) kept.add(fromId, target)
    })
    for (const line of bad) yield badLine(file, line, 'it is not a pair of ids')
    yield { passed }
  }
}

/** Turns the kept edges into links between sites, by the names of the vertices they start at. */
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
        yield badLine(file, line, `“${shown(name)}” is not a domain on the public web`)
        continue
      }
      if (known.size < maxRankedDomains) known.add(name)
      for (const target of targets) {
        const toSite = sites[target]
        if (toSite !== undefined && toSite !== fromSite)
          yield { edge: { fromSite, toSite, linkingPages: null, targetPages: null } }
      }
    }
  }
  for (const id of kept.left())
    yield { bad: { place: `${file}, id ${id}`, reason: 'an edge starts at it, but it is missing' } }
}
