import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inject } from 'vitest'

declare module 'vitest' {
  interface ProvidedContext {
    onDemandUrl: string
  }
}

/** Creates one resource of a run. @returns its JSON value */
type Create = () => Promise<unknown>

/**
 * Creates a resource when a test first requests it; all tests of the run share it. Runs an HTTP
 * server in Vitest's main process, because tests run in other processes.
 */
export async function serveOnDemand<Name extends string>(factories: Record<Name, Create>) {
  const created = new Map<string, Promise<unknown>>()
  const find = (name: string): Promise<unknown> => {
    const existing = created.get(name)
    if (existing !== undefined) return existing
    const create = Object.entries<Create>(factories).find(([each]) => each === name)?.[1]
    const creating = create ? create() : Promise.reject(new Error(`No resource is called ${name}`))
    created.set(name, creating)
    return creating
  }
  const server: Server = createServer((request, response) => {
    find((request.url ?? '').slice(1)).then(
      (value) => response.end(JSON.stringify(value)),
      (error) => response.writeHead(500).end(String(error?.stack ?? error)),
    )
  })
  // A test may wait as long as it takes to create the resource.
  server.requestTimeout = 0
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    /** Refuses further requests and waits until pending resources are created. */
    async close(): Promise<void> {
      server.close()
      server.closeAllConnections()
      await Promise.allSettled(created.values())
    },
  }
}

/** The run's resource of this name. The first request creates it. */
export async function onDemand(name: string): Promise<unknown> {
  const response = await fetch(`${inject('onDemandUrl')}/${name}`)
  if (!response.ok) throw new Error(`The run has no ${name}: ${await response.text()}`)
  return response.json()
}
