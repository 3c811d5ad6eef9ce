import type { ChainableCommander } from 'ioredis'

/**
 * Sends the commands together and returns their answers in order.
 * @throws the first error among them
 */
export async function answersOf(pipeline: ChainableCommander): Promise<unknown[]> {
  const results = (await pipeline.exec()) ?? []
  return results.map(([error, answer]) => {
    if (error) throw error
    return answer
  })
}
