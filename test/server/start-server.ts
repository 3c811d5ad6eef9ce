import { createServer, type RequestListener } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { type Logger, pino } from 'pino'
import { readSettings } from '#jobs/settings.ts'
import { compose } from '#server/compose.ts'
import { listen } from '#server/listen.ts'
import { serverSettings } from '#server/settings.ts'

/** Starts a server without its pages in this process, on `PORT` or any free port. */
export async function startServer(environment: Record<string, string>, log?: Logger) {
  const settings = readSettings(serverSettings, environment)
  let answer: RequestListener = (_request, response) => response.writeHead(503).end()
  const server = createServer((request, response) => answer(request, response))
  const port = await listen(server, '127.0.0.1', settings.PORT ?? 0)
  const url = `http://127.0.0.1:${port}`
  const composed = await compose(server, settings, url, log ?? pino({ level: settings.LOG_LEVEL }))
  answer = getRequestListener(composed.api.fetch, { overrideGlobalObjects: false })
  return { ...composed, url }
}
