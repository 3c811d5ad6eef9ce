import { BadSource } from '../files/bad-source.ts'

/**
 * Edges are kept in groups of nearby ids. Vertices come in id order, so few groups are open at
 * once.
 */
const idsPerGroup = 4_096
const maxTargets = 1_024
const maxEdges = 20_000_000

/** The edges to the targets, by the id they start at: 8 bytes each until their group is opened. */
export interface KeptEdges {
  /**
   * @param target number of the target, below 1,024.
   * @throws {BadSource} if there are more than 20 million edges.
   */
  add(fromId: number, target: number): void
  /** Removes the edges from an id and returns their targets, without duplicates. */
  take(fromId: number): number[]
  /** Removes all other edges and returns the ids they start at. */
  left(): Iterable<number>
}

export function keepEdges(): KeptEdges {
  const waiting = new Map<number, number[]>()
  const opened = new Map<number, Map<number, number[]>>()
  let count = 0
  let lastGroup = -1
  let pack: number[] = []

  function open(group: number): Map<number, number[]> | undefined {
    const packed = waiting.get(group)
    if (!packed) return opened.get(group)
    waiting.delete(group)
    const targets = opened.get(group) ?? new Map<number, number[]>()
    for (const edge of packed) {
      const id = Math.floor(edge / maxTargets)
      const known = targets.get(id)
      if (known) known.push(edge % maxTargets)
      else targets.set(id, [edge % maxTargets])
    }
    opened.set(group, targets)
    return targets
  }

  return {
    add(fromId, target) {
      if (++count > maxEdges)
        throw new BadSource(
          'More than 20 million links lead to these targets, which is too many to keep. Name fewer targets, or ones with fewer links.',
        )
      const group = Math.floor(fromId / idsPerGroup)
      if (group !== lastGroup) {
        pack = waiting.get(group) ?? []
        waiting.set(group, pack)
        lastGroup = group
      }
      pack.push(fromId * maxTargets + target)
    },
    take(fromId) {
      const group = Math.floor(fromId / idsPerGroup)
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
