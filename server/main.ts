import { createServer, type RequestListener } from 'node:http'
import { fileURLToPath } from 'node:url'
import { getRequestListener } from '@hono/node-server'
import next from 'next'
import { pino } from 'pino'
import { errorForLog } from '#jobs/error-for-log.ts'
import { readSettings } from '#jobs/settings.ts'
import { compose } from './compose.ts'
import { attachHotReload } from './hot-reload.ts'
import { listen } from './listen.ts'
import { serverSettings } from './settings.ts'

// Synchronous: at exit, an asynchronous writer would hang on a pipe whose reader was killed.
const log = pino(
  { name: 'server', serializers: { err: errorForLog } },
  pino.destination({ fd: 1, sync: true }),
)

async function main(): Promise<void> {
  const settings = readSettings(serverSettings, process.env)
  log.level = settings.LOG_LEVEL

  let answer: RequestListener = (_request, response) =>
    response.writeHead(503, { 'Retry-After': '1' }).end('Searchlight is starting.\n')
  const server = createServer((request, response) => answer(request, response))
  const port = await listen(server, settings.HOST, settings.PORT)
  const publicUrl = settings.PUBLIC_URL ?? `http://localhost:${port}`
  // Pages call the API at this address for their first paint.
  process.env.LOOPBACK_URL = `http://${settings.HOST === '0.0.0.0' ? '127.0.0.1' : settings.HOST}:${port}`

  const dev = process.argv.includes('--dev')
  const startHotReload = dev ? attachHotReload(server) : null
  const pages = next({ dev, dir: fileURLToPath(new URL('..', import.meta.url)) })
  const [{ api, accounts, close }] = await Promise.all([
    compose(server, settings, publicUrl, log),
    pages.prepare(),
  ])
  // Next uses the global Request and Response too, so leave Node's own in place.
  const toApi = getRequestListener(api.fetch, { overrideGlobalObjects: false })
  const toPages = pages.getRequestHandler()
  answer = (request, response) => {
    response.setHeader('X-Content-Type-Options', 'nosniff')
    response.setHeader('X-Frame-Options', 'DENY')
    response.setHeader('Referrer-Policy', 'same-origin')
    if (isApi(request.url ?? '/')) toApi(request, response)
    else toPages(request, response)
  }

  await startHotReload?.(process.env.LOOPBACK_URL)

  let stopping = false
  async function stop(reason: string): Promise<void> {
    if (stopping) return
    stopping = true
    log.info(`Stopping (${reason})`)
    setTimeout(() => process.exit(0), settings.SHUTDOWN_GRACE_MS).unref()
    await close()
    await pages.close()
    log.info('Stopped')
    process.exit(0)
  }
  process.on('SIGTERM', () => stop('SIGTERM'))
  process.on('SIGINT', () => stop('SIGINT'))
  // Without the parent process, nothing else would stop this one.
  process.on('disconnect', () => stop('the parent process has exited'))

  const hint = (await accounts.signUpOpen())
    ? `No account yet: open ${publicUrl} and create the first one; it becomes the admin.`
    : `Sign in at ${publicUrl} with your e-mail and password.`
  process.send?.({ type: 'ready', url: publicUrl, hint })
  log.info({ url: publicUrl }, `Ready at ${publicUrl}`)
}

function isApi(url: string): boolean {
  const path = url.split('?', 1)[0] ?? ''
  return (
    path.startsWith('/api/') || path === '/healthz' || path === '/readyz' || path === '/metrics'
  )
}

main().catch((error) => {
  log.fatal({ err: error }, errorForLog(error).message)
  setTimeout(() => process.exit(1), 100)
})
