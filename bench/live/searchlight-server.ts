import { startServer } from '#test/server/start-server.ts'
import { reportUsage } from './report-usage.ts'

/** The real server, without the pages. */
const { url } = await startServer({
  REDIS_URL: process.env.REDIS_URL ?? '',
  DATABASE_URL: process.env.DATABASE_URL ?? '',
  AUTH_SECRET: 'a secret that only this benchmark knows',
  LOG_LEVEL: 'error',
})
reportUsage(url)
