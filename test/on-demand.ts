import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inject } from 'vitest'

declare module 'vitest' {
  interface ProvidedContext {
    onDemandUrl: string
  }
}

/** Makes one resource of a run. @returns its JSON value. */
type Make = () => Promise<unknown>

/**
 * Makes resources when a test first asks for them; all tests of the run then share them. It lives
 * in Vitest's main process, whereas tests run in others.
 */
export async function serveOnDemand<Name extends string>(makers: Record<Name, Make>) {
  const made = new Map<string, Promise<unknown>>()
  const find = (name: string): Promise<unknown> => {
    const known = made.get(name)
    if (known !== undefined) return known
    const make = Object.entries<Make>(makers).find(([each]) => each === name)?.[1]
    const making = make ? make() : Promise.reject(new Error(`No resource is called ${name}`))
    made.set(name, making)
    return making
  }
  const server: Server = createServer((request, response) => {
    find((request.url ?? '').slice(1)).then(
      (value) => response.end(JSON.stringify(value)),
      (error) => response.writeHead(500).end(String(error?.stack ?? error)),
    )
  })
  // A waiting test must not be cut off, however slow the machine.
  server.requestTimeout = 0
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    /** Accepts no more questions. @returns what was made, after waiting for what is being made. */
    async close(): Promise<void> {
      server.close()
      server.closeAllConnections()
      await Promise.allSettled(made.values())
    },
  }
}

/** The run's resource of this name, made now if nobody asked for it before. */
export async function onDemand(name: string): Promise<unknown> {
  const response = await fetch(`${inject('onDemandUrl')}/${name}`)
  if (!response.ok) throw new Error(`The run has no ${name}: ${await response.text()}`)
  return response.json()
}
