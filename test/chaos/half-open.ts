import { connect, createServer, type Socket } from 'node:net'
import { freePort } from '#local/services/free-port.ts'

interface Link {
  near: Socket
  /** It has subscribed to something, and was told so. */
  subscriber: boolean
  deaf: boolean
}

/**
 * A way to Redis on which connections can become half-open, as when a router forgets them: to the
 * side of the server they look healthy, and nothing comes through in either direction any more, not
 * even that the other side has closed.
 */
export async function openHalfOpenProxy(redisUrl: string) {
  const url = new URL(redisUrl)
  const target = { host: url.hostname, port: Number(url.port) }
  const links = new Set<Link>()
  const server = createServer({ allowHalfOpen: true }, (near) => {
    const far = connect(target)
    const link: Link = { near, subscriber: false, deaf: false }
    links.add(link)
    near.on('data', (bytes) => {
      if (!link.deaf) far.write(bytes)
    })
    far.on('data', (bytes) => {
      link.subscriber ||= bytes.includes('subscribe')
      if (!link.deaf) near.write(bytes)
    })
    near.on('end', () => {
      if (!link.deaf) near.destroy()
    })
    near.on('close', () => {
      links.delete(link)
      far.destroy()
    })
    far.on('close', () => {
      if (!link.deaf) near.destroy()
    })
    // Each is followed by `close`.
    near.on('error', () => {})
    far.on('error', () => {})
  })
  const port = await freePort()
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  url.port = String(port)

  const subscribers = () => [...links].filter(({ subscriber }) => subscriber)

  return {
    url: url.href,
    /** Deaf ones are among them. */
    subscribers: () => subscribers().length,
    /** Subscribers that Redis still reaches. */
    hearing: () => subscribers().filter(({ deaf }) => !deaf).length,
    /**
     * Makes one of the subscribers that still hear deaf for good.
     * @returns false when none hears
     */
    deafen(): boolean {
      const all = subscribers().filter(({ deaf }) => !deaf)
      const link = all[Math.floor(Math.random() * all.length)]
      if (link) link.deaf = true
      return link !== undefined
    },
    close(): void {
      server.close()
      for (const { near } of links) near.destroy()
    },
  }
}
