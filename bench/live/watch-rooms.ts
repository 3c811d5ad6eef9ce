import type { Contender } from './contender.ts'
import { openSocketIo } from './wire-client.ts'

/** How a client of socket-io-rooms.ts watches jobs. */
export const watchRooms: Contender['watch'] = async (url, jobIds, { apiKey }, heard) => {
  const client = await openSocketIo(url, apiKey, heard)
  await client.request('watch', jobIds)
  return client
}
