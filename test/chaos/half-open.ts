import { connect, createServer, type Socket } from 'node:net'
import { freePort } from '#local/services/free-port.ts'

interface Link {
  client: Socket
  /** Redis has acknowledged a subscription on it. */
  subscriber: boolean
  unresponsive: boolean
}

/**
 * A proxy to Redis whose connections can become half-open, as when a router forgets them. They look
 * healthy to the client, but nothing passes in either direction, not even that a side has closed.
 */
export async function openHalfOpenProxy(redisUrl: string) {
  const url = new URL(redisUrl)
  const target = { host: url.hostname, port: Number(url.port) }
  const links = new Set<Link>()
  const server = createServer({ allowHalfOpen: true }, (client) => {
    const redis = connect(target)
    const link: Link = { client, subscriber: false, unresponsive: false }
    links.add(link)
    client.on('data', (bytes) => {
      if (!link.unresponsive) redis.write(bytes)
    })
    redis.on('data', (bytes) => {
      link.subscriber ||= bytes.includes('subscribe')
      if (!link.unresponsive) client.write(bytes)
    })
    client.on('end', () => {
      if (!link.unresponsive) client.destroy()
    })
    client.on('close', () => {
      links.delete(link)
      redis.destroy()
    })
    redis.on('close', () => {
      if (!link.unresponsive) client.destroy()
    })
    // `close` follows each error.
    client.on('error', () => {})
    redis.on('error', () => {})
  })
  const port = await freePort()
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  url.port = String(port)

  const subscribers = () => [...links].filter(({ subscriber }) => subscriber)

  return {
    url: url.href,
    /** Unresponsive ones included. */
    subscribers: () => subscribers().length,
    /** Subscribers that Redis can still reach. */
    responsiveSubscribers: () => subscribers().filter(({ unresponsive }) => !unresponsive).length,
    /**
     * Makes one random responsive subscriber unresponsive for good.
     * @returns false when there is none
     */
    makeUnresponsive(): boolean {
      const responsive = subscribers().filter(({ unresponsive }) => !unresponsive)
      const link = responsive[Math.floor(Math.random() * responsive.length)]
      if (link) link.unresponsive = true
      return link !== undefined
    },
    close(): void {
      server.close()
      for (const { client } of links) client.destroy()
    },
  }
}
