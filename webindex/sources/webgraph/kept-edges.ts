import { BadSource } from '../bad-source.ts'

/**
 * Ids that lie near each other are kept together: vertices come in the order of their ids, so that
 * few of these are open at once.
 */
const idsTogether = 4_096
const mostTargets = 1_024
const mostEdges = 20_000_000

/**
 * The edges to the wanted targets by the id that they come from: 8 bytes each until they are asked
 * for.
 */
export interface KeptEdges {
  /**
   * @param target number of the wanted target, below 1,024.
   * @throws {BadSource} above 20 million.
   */
  add(fromId: number, target: number): void
  /** Targets of that id, each once; they are forgotten. */
  take(fromId: number): number[]
  /** Ids that nobody has taken; they are forgotten. */
  left(): Iterable<number>
}

export function keepEdges(): KeptEdges {
  const waiting = new Map<number, number[]>()
  const opened = new Map<number, Map<number, number[]>>()
  let count = 0
  let last = -1
  let pack: number[] = []

  function open(group: number): Map<number, number[]> | undefined {
    const packed = waiting.get(group)
    if (!packed) return opened.get(group)
    waiting.delete(group)
    const targets = opened.get(group) ?? new Map<number, number[]>()
    for (const edge of packed) {
      const id = Math.floor(edge / mostTargets)
      const known = targets.get(id)
      if (known) known.push(edge % mostTargets)
      else targets.set(id, [edge % mostTargets])
    }
    opened.set(group, targets)
    return targets
  }

  return {
    add(fromId, target) {
      if (++count > mostEdges)
        throw new BadSource(
          'More than 20 million links lead to these targets, too many to keep. Ask for fewer, or for sites that fewer link to.',
        )
      const group = Math.floor(fromId / idsTogether)
      if (group !== last) {
        pack = waiting.get(group) ?? []
        waiting.set(group, pack)
        last = group
      }
      pack.push(fromId * mostTargets + target)
    },
    take(fromId) {
      const group = Math.floor(fromId / idsTogether)
      const targets = open(group)
      const found = targets?.get(fromId)
      if (!targets || !found) return []
      targets.delete(fromId)
      if (targets.size === 0) opened.delete(group)
      return [...new Set(found)]
    },
    *left() {
      for (const group of new Set([...waiting.keys(), ...opened.keys()])) {
        yield* open(group)?.keys() ?? []
        opened.delete(group)
      }
    },
  }
}
