import { WebSocket } from 'ws'

/** A client that costs the same for every contender: it treats frames as text and parses little. */
export interface WireClient {
  /** Sends a request. @returns its answer, as text */
  request(event: string, argument: unknown): Promise<string>
  close(): void
}

/**
 * A plain WebSocket: each text sent is a request; texts that begin with `ok` answer them in order.
 */
export async function openPlain(url: string, onText: (text: string) => void): Promise<WireClient> {
  const socket = connect(url, '/')
  const answers: ((text: string) => void)[] = []
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve).once('error', reject)
  })
  socket.on('message', (data) => {
    const text = String(data)
    if (text.startsWith('ok')) answers.shift()?.(text)
    else onText(text)
  })
  return {
    request(_event, argument) {
      socket.send(String(argument))
      return new Promise((resolve) => answers.push(resolve))
    },
    close: () => socket.terminate(),
  }
}

/**
 * Socket.IO by hand, over one WebSocket. A text begins with Engine.IO's type (0 open, 2 ping, 3
 * pong, 4 message), and a message with Socket.IO's (0 connect, 2 event, 3 acknowledgement, 4
 * refusal).
 */
export async function openSocketIo(
  url: string,
  apiKey: string,
  onText: (text: string) => void,
): Promise<WireClient> {
  const socket = connect(url, '/socket.io/?EIO=4&transport=websocket')
  const answers = new Map<string, (text: string) => void>()
  let requests = 0
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.on('message', (data) => {
      const text = String(data)
      if (text.startsWith('42')) onText(text)
      else if (text === '2') socket.send('3')
      else if (text.startsWith('0')) socket.send(`40${JSON.stringify({ apiKey })}`)
      else if (text.startsWith('40')) resolve()
      else if (text.startsWith('43')) {
        const id = text.slice(2, text.indexOf('['))
        answers.get(id)?.(text)
        answers.delete(id)
      } else reject(new Error(`Unexpected message: ${text}`))
    })
  })
  return {
    request(event, argument) {
      const id = String(requests++)
      socket.send(`42${id}${JSON.stringify([event, argument])}`)
      return new Promise((resolve) => answers.set(id, resolve))
    },
    close: () => socket.terminate(),
  }
}

function connect(url: string, path: string): WebSocket {
  return new WebSocket(`${url.replace('http', 'ws')}${path}`, { perMessageDeflate: false })
}
