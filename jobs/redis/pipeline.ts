import type { ChainableCommander } from 'ioredis'

/**
 * The answers to commands that are sent in one go, in their order.
 * @throws the first error among them
 */
export async function answersOf(pipeline: ChainableCommander): Promise<unknown[]> {
  const results = (await pipeline.exec()) ?? []
  return results.map(([error, answer]) => {
    if (error) throw error
    return answer
  })
}
