import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { domainToUnicode } from 'node:url'
import { readTarget } from '../link-target.ts'
import type { ReaderOptions, Source, SourceItem } from '../source-item.ts'
import { addressOf } from '../web-address.ts'
import { BadSource } from './bad-source.ts'
import { type LineBlock, lineBlocks } from './graph-lines.ts'
import { cellsIn, eachEdge, readId } from './graph-rows.ts'
import { type KeptEdges, keepEdges } from './kept-edges.ts'
import { shown } from './shown.ts'

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
const topOfRanking = 1_000_000
/** Ranks of so many linking sites are looked up: their names are in memory. */
const mostNames = 2_000_000

/** A stretch of a file, read again for each purpose. */
type Blocks = (path: string) => AsyncGenerator<LineBlock>

/**
 * Common Crawl's graph of domains: who links to some targets, and where they stand in its ranking. The edges are read once, the vertices twice.
 * @throws {BadSource} when the targets can't be understood, or nothing is asked for. Reading throws {BadSource} where a file is damaged.
 */
export async function webgraphSource({ vertices, edges, ranks, targets, name }: WebgraphOptions): Promise<Source> {
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
  for (const file of files) total += (await stat(file)).size
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
      if (known.size >= mostNames)
        yield { remark: `Ranks were kept for ${mostNames.toLocaleString('en')} of the sites, not for all.` }
      if (ranks) yield* ranksOf(ranks, { blocks, known: sites.length > 0 ? known : null })
    },
  }
}

/** @returns sites, each once. @throws {BadSource} */
function readTargets(targets: string[]): string[] {
  if (targets.length > mostTargets)
    throw new BadSource(`${targets.length} targets are too many: up to ${mostTargets} can be asked for at once.`)
  const sites = targets.map((written) => {
    const reading = readTarget(written)
    if (!reading.ok) throw new BadSource(reading.reason)
    const { site } = reading.target
    if (site.includes('/'))
      throw new BadSource(`“${shown(written)}” is an owner on a code host; the graph knows whole domains only.`)
    return site
  })
  return [...new Set(sites)]
}

interface EdgeFiles {
  vertices: string
  edges: string
  blocks: Blocks
  /** Takes in the domains that are found to link, as the graph writes them. */
  known: Set<string>
}

async function* edgesTo(sites: string[], { vertices, edges, blocks, known }: EdgeFiles): AsyncGenerator<SourceItem> {
  const numbers = new Map<number, number>()
  yield* findTargets(sites, numbers, { file: basename(vertices), blocks: blocks(vertices) })
  const found = new Set(numbers.values())
  for (const [number, site] of sites.entries()) if (!found.has(number)) yield { remark: `${site} is not in the graph.` }
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
    sites.flatMap((site, number) => [site, domainToUnicode(site)].map((name) => [reversed(name), number] as const)),
  )
  for await (const block of blocks) {
    let passed = 0
    for (const { cells, line } of cellsIn(block)) {
      const id = readId(cells[0])
      const name = cells[1]
      if (id === null || !name) yield { bad: { place: `${file}, line ${line}`, reason: 'it is not an id and a domain' } }
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
    for (const line of bad) yield { bad: { place: `${file}, line ${line}`, reason: 'it is not two ids' } }
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
        yield { bad: { place: `${file}, line ${line}`, reason: `“${shown(name)}” is not a domain of the public web` } }
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
    yield { bad: { place: `${file}, id ${id}`, reason: 'an edge comes from it, and it is not there' } }
}

/** Names of the columns that are read, in the newer files and in older ones. */
const positionHeads = ['harmonicc_pos', 'hc_pos', 'harmonic_pos']
const domainHeads = ['host_rev', 'domain_rev', 'host']

/** @param known the domains whose ranks are wanted, as the graph writes them; null for the top of the ranking. */
async function* ranksOf(
  ranks: string,
  { blocks, known }: { blocks: Blocks; known: Set<string> | null },
): AsyncGenerator<SourceItem> {
  const file = basename(ranks)
  let heads: { position: number; domain: number } | undefined
  for await (const block of blocks(ranks)) {
    let passed = 0
    for (const { cells, line } of cellsIn(block)) {
      if (!heads) {
        heads = readHeads(file, cells)
        continue
      }
      const position = readId(cells[heads.position])
      const host = cells[heads.domain]
      if (!position || position > 0xffff_ffff || !host) {
        yield { bad: { place: `${file}, line ${line}`, reason: 'it has no position or no domain' } }
        continue
      }
      const site = (known ? known.has(host) : position <= topOfRanking) ? siteOf(host) : null
      if (site) yield { rank: { site, position } }
      else passed++
    }
    yield { passed }
  }
}

/** @throws {BadSource} */
function readHeads(file: string, cells: string[]): { position: number; domain: number } {
  const names = cells.map((cell) =>
    cell
      .replace(/^[#\s]+/, '')
      .trim()
      .toLowerCase(),
  )
  const position = names.findIndex((name) => positionHeads.includes(name))
  const domain = names.findIndex((name) => domainHeads.includes(name))
  if (position >= 0 && domain >= 0) return { position, domain }
  throw new BadSource(
    `${file} can’t be imported: its first line, “${shown(cells.join(' '))}”, names no column of positions (harmonicc_pos) and of domains (host_rev).`,
  )
}

const reversed = (name: string) => name.split('.').reverse().join('.')

/** A site as the graph may write it, internationalised names in either form. */
const writtenAs = (site: string) => [reversed(site), reversed(domainToUnicode(site))]

/** The site of a domain as the graph writes it. `com.example` */
function siteOf(host: string): string | null {
  return addressOf(`https://${reversed(host)}/`)?.site ?? null
}
