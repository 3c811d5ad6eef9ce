import { setImmediate } from 'node:timers/promises'

/** The share of visitors who follow a link; the others jump to a random node. */
const damping = 0.85
/** Stops when a round changes all ranks together by less than this. */
const tolerance = 1e-9
const maxRounds = 200
/** Nodes or edges processed without a pause: a few milliseconds of work. */
const sliceLength = 250_000

/**
 * PageRank: Brin and Page, The Anatomy of a Large-Scale Hypertextual Web Search Engine (1998), in
 * the form in which all ranks sum to 1. The rank of a node without outgoing edges is spread evenly
 * over all nodes. Uses 8 bytes for each edge and 24 for each node.
 * @param graph.from the start of each edge, 0…nodes − 1
 * @param graph.to the end of each edge; edges are distinct
 * @param options.onRound called after each round; there are a few dozen
 */
export async function pageRank(
  { nodes, from, to }: { nodes: number; from: Uint32Array; to: Uint32Array },
  { signal, onRound }: { signal: AbortSignal; onRound(done: number): void },
): Promise<Float64Array> {
  async function inSlices(length: number, work: (start: number, end: number) => void) {
    for (let start = 0; start < length; start += sliceLength) {
      work(start, Math.min(start + sliceLength, length))
      await setImmediate()
      signal.throwIfAborted()
    }
  }
  const outDegree = new Uint32Array(nodes)
  await inSlices(from.length, (start, end) => {
    for (let e = start; e < end; e++) outDegree[from[e] ?? 0] = (outDegree[from[e] ?? 0] ?? 0) + 1
  })

  let rank = new Float64Array(nodes).fill(1 / nodes)
  let next = new Float64Array(nodes)
  const share = new Float64Array(nodes)
  for (let round = 1; round <= maxRounds; round++) {
    let dangling = 0
    await inSlices(nodes, (start, end) => {
      for (let n = start; n < end; n++) {
        const held = rank[n] ?? 0
        const links = outDegree[n] ?? 0
        share[n] = links > 0 ? held / links : 0
        if (links === 0) dangling += held
      }
    })
    next.fill((1 - damping + damping * dangling) / nodes)
    await inSlices(from.length, (start, end) => {
      for (let e = start; e < end; e++)
        next[to[e] ?? 0] = (next[to[e] ?? 0] ?? 0) + damping * (share[from[e] ?? 0] ?? 0)
    })
    let change = 0
    await inSlices(nodes, (start, end) => {
      for (let n = start; n < end; n++) change += Math.abs((next[n] ?? 0) - (rank[n] ?? 0))
    })
    ;[rank, next] = [next, rank]
    onRound(round)
    if (change < tolerance) break
  }
  return rank
}
