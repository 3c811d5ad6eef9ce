import { basename } from 'node:path'
import type { SourceItem } from '../../source.ts'
import { BadSource } from '../bad-source.ts'
import { shown } from '../shown.ts'
import { siteOf } from './graph-domain.ts'
import type { Blocks } from './graph-lines.ts'
import { cellsIn, readId } from './graph-rows.ts'

/** Ranks of so many linking sites are looked up: their names are in memory. */
export const mostNames = 2_000_000
/** What is kept of a ranking that is imported for itself. */
const topOfRanking = 1_000_000

/** Names of the columns that are read, in the newer files and in older ones. */
const positionHeads = ['harmonicc_pos', 'hc_pos', 'harmonic_pos']
const domainHeads = ['host_rev', 'domain_rev', 'host']

/**
 * Positions in the ranking by harmonic centrality.
 * @param known the domains whose ranks are wanted, as the graph writes them; null for the first
 * million. @throws {BadSource} where the heads are missing.
 */
export async function* ranksOf(
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
