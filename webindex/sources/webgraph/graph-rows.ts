import type { LineBlock } from './graph-lines.ts'

/** Above this a number can't be told from its neighbours, nor kept beside a target's. */
const highestId = 2 ** 42

/**
 * A line of edges is handed on as numbers, for there are billions; −1 and −1 where it is none.
 * Empty lines are passed over.
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
    let isGood = at > start && digit === 9 && from <= highestId
    if (isGood) {
      start = ++at
      digit = bytes[at] ?? 0
      while (digit >= 48 && digit <= 57) {
        to = to * 10 + digit - 48
        digit = bytes[++at] ?? 0
      }
      if (digit === 13) digit = bytes[++at] ?? 0
      isGood = at > start && (digit === 10 || at >= bytes.length) && to <= highestId
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

/** A line of any table of the graph. */
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

/** @returns null where it is no id. */
export function readId(cell: string | undefined): number | null {
  return cell !== undefined && /^\d{1,13}$/.test(cell) && Number(cell) <= highestId
    ? Number(cell)
    : null
}
