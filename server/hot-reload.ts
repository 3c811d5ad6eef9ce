import type { Server } from 'node:http'

/**
 * Passes the upgrade requests of hot reload on to Next, which listens for them only from its first
 * request on. Earlier ones are refused, so that a page that was open before a restart tries again.
 * @returns what makes the first request, to be called as soon as Next answers.
 */
export function attachHotReload(server: Server): (loopbackUrl: string) => Promise<void> {
  let listening = false
  server.on('upgrade', (request, socket) => {
    if (!listening && request.url?.startsWith('/_next/hmr')) socket.destroy()
  })
  return async (loopbackUrl) => {
    await fetch(`${loopbackUrl}/__nextjs_server_status`)
    listening = true
  }
}
