import { basename } from 'node:path'
import type { SourceItem } from '../../source.ts'
import { BadSource } from '../files/bad-source.ts'
import { shown } from '../files/shown.ts'
import { siteOf } from './graph-domain.ts'
import type { Blocks } from './graph-lines.ts'
import { badLine, cellsIn, readId } from './graph-rows.ts'

/** How many referring domains get a rank. Their names are held in memory. */
export const maxRankedDomains = 2_000_000
/** How many positions are kept if there are no targets. */
const topPositions = 1_000_000

/** Column names in newer and older files. */
const positionHeads = ['harmonicc_pos', 'hc_pos', 'harmonic_pos']
const domainHeads = ['host_rev', 'domain_rev', 'host']

/**
 * Positions in the ranking by harmonic centrality.
 * @param wanted names in the graph's notation; null for the first million positions.
 * @throws {BadSource} if the header lacks a column.
 */
export async function* ranksOf(
  ranks: string,
  { blocks, wanted }: { blocks: Blocks; wanted: Set<string> | null },
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
      const name = cells[heads.domain]
      if (!position || position > 0xffff_ffff || !name) {
        yield badLine(file, line, 'its position or domain is missing or invalid')
        continue
      }
      const isWanted = wanted ? wanted.has(name) : position <= topPositions
      const site = isWanted ? siteOf(name) : null
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
    `${file} can’t be imported: its header, “${shown(cells.join(' '))}”, lacks a column of positions (harmonicc_pos) or domains (host_rev).`,
  )
}
