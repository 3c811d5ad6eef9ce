import type { Contender } from './contender.ts'
import { openSocketIo } from './wire-client.ts'

/** Watches jobs as a client of socket-io-rooms.ts. */
export const watchRooms: Contender['watch'] = async (url, jobIds, { apiKey }, onText) => {
  const client = await openSocketIo(url, apiKey, onText)
  await client.request('watch', jobIds)
  return client
}
