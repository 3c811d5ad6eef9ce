import { setImmediate } from 'node:timers/promises'

/** The share of visitors that follows a link; the others start anew anywhere. */
const damping = 0.85
const closeEnough = 1e-9
const mostRounds = 200
/** Some milliseconds of work between two looks at the clock and the signal. */
const slice = 250_000

/**
 * PageRank: Brin and Page, The Anatomy of a Large-Scale Hypertextual Web Search Engine (1998), in
 * the form in which all ranks sum to 1. What a node without outgoing links holds is spread evenly.
 * Uses 8 bytes for each edge and 24 for each node.
 * @param from the nodes, 0…nodes − 1, that edges start at; `to`: where they lead. Each pair once.
 * @param options.onRound after each of the rounds, of which there are some dozens.
 */
export async function pageRank(
  { nodes, from, to }: { nodes: number; from: Uint32Array; to: Uint32Array },
  { signal, onRound }: { signal: AbortSignal; onRound(done: number): void },
): Promise<Float64Array> {
  async function inSlices(length: number, work: (start: number, end: number) => void) {
    for (let start = 0; start < length; start += slice) {
      work(start, Math.min(start + slice, length))
      await setImmediate()
      signal.throwIfAborted()
    }
  }
  const out = new Uint32Array(nodes)
  await inSlices(from.length, (start, end) => {
    for (let e = start; e < end; e++) out[from[e] ?? 0] = (out[from[e] ?? 0] ?? 0) + 1
  })

  let rank = new Float64Array(nodes).fill(1 / nodes)
  let next = new Float64Array(nodes)
  const share = new Float64Array(nodes)
  for (let round = 1; round <= mostRounds; round++) {
    let dangling = 0
    await inSlices(nodes, (start, end) => {
      for (let n = start; n < end; n++) {
        const held = rank[n] ?? 0
        const links = out[n] ?? 0
        share[n] = links > 0 ? held / links : 0
        if (links === 0) dangling += held
      }
    })
    next.fill((1 - damping + damping * dangling) / nodes)
    await inSlices(from.length, (start, end) => {
      for (let e = start; e < end; e++)
        next[to[e] ?? 0] = (next[to[e] ?? 0] ?? 0) + damping * (share[from[e] ?? 0] ?? 0)
    })
    let moved = 0
    await inSlices(nodes, (start, end) => {
      for (let n = start; n < end; n++) moved += Math.abs((next[n] ?? 0) - (rank[n] ?? 0))
    })
    ;[rank, next] = [next, rank]
    onRound(round)
    if (moved < closeEnough) break
  }
  return rank
}
