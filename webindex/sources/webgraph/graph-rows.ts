import type { BadRow } from '../../source.ts'
import type { LineBlock } from './graph-lines.ts'

/** KeptEdges packs an id and a target number below 2¹⁰ into a float, which is exact below 2⁵³. */
const maxId = 2 ** 42

/**
 * Parses lines with two ids, without creating strings or objects, as a graph has billions of edges.
 * Skips empty lines. Calls `visit` with −1 and −1 for a bad line.
 */
export function eachEdge(
  { bytes, firstLine }: LineBlock,
  visit: (fromId: number, toId: number, line: number) => void,
): void {
  let line = firstLine
  for (let at = 0; at < bytes.length; line++) {
    let from = 0
    let to = 0
    const lineStart = at
    let start = at
    let digit = bytes[at] ?? 0
    while (digit >= 48 && digit <= 57) {
      from = from * 10 + digit - 48
      digit = bytes[++at] ?? 0
    }
    let isGood = at > start && digit === 9 && from <= maxId
    if (isGood) {
      start = ++at
      digit = bytes[at] ?? 0
      while (digit >= 48 && digit <= 57) {
        to = to * 10 + digit - 48
        digit = bytes[++at] ?? 0
      }
      if (digit === 13) digit = bytes[++at] ?? 0
      isGood = at > start && (digit === 10 || at >= bytes.length) && to <= maxId
    }
    if (isGood) visit(from, to, line)
    else if (digit !== 10 || at > lineStart) {
      visit(-1, -1, line)
      const end = bytes.indexOf(10, at)
      at = end < 0 ? bytes.length : end
    }
    at++
  }
}

/** The tab-separated cells of each line that is not empty. */
export function* cellsIn({
  bytes,
  firstLine,
}: LineBlock): Generator<{ cells: string[]; line: number }> {
  let line = firstLine
  for (const text of bytes.toString('utf8').split('\n')) {
    if (text !== '')
      yield { cells: (text.endsWith('\r') ? text.slice(0, -1) : text).split('\t'), line }
    line++
  }
}

/** @returns null if the cell is not an id. */
export function readId(cell: string | undefined): number | null {
  return cell !== undefined && /^\d{1,13}$/.test(cell) && Number(cell) <= maxId
    ? Number(cell)
    : null
}

export function badLine(file: string, line: number, reason: string): { bad: BadRow } {
  return { bad: { place: `${file}, line ${line}`, reason } }
}
