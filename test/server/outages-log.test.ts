import { Writable } from 'node:stream'
import { pino } from 'pino'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { errorForLog } from '#jobs/error-for-log.ts'
import { connectPostgres, type Postgres } from '#jobs/postgres/connect.ts'
import { makePeople, password, testEnvironment } from './server-fixture.ts'
import { startServer } from './start-server.ts'

let server: Awaited<ReturnType<typeof startServer>>
let postgres: Postgres
let drop: () => Promise<void>
let printed: string
beforeAll(async () => {
  const opened = await testEnvironment('none')
  drop = opened.drop
  const lines = new Writable({
    write(line, _encoding, done) {
      printed += String(line)
      done()
    },
  })
  const log = pino({ level: 'trace', serializers: { err: errorForLog } }, lines)
  server = await startServer(opened.environment, log)
  postgres = connectPostgres(opened.environment.DATABASE_URL)
  await makePeople(opened.environment.DATABASE_URL, opened.environment.AUTH_SECRET, server.url)
})
afterAll(async () => {
  await server.close()
  await postgres.close()
  await drop()
})
beforeEach(() => {
  printed = ''
})

const signIn = (origin = server.url) =>
  fetch(`${server.url}/api/auth/sign-in/email`, {
    method: 'POST',
    headers: { origin, 'content-type': 'application/json' },
    body: JSON.stringify({ email: 'user@example.com', password }),
  })

test('a session that cannot be stored does not print its token', async () => {
  await postgres.pool.query('alter table session add constraint none check (false) not valid')
  const answer = await signIn()
  await postgres.pool.query('alter table session drop constraint none')
  expect(answer.status).toBe(500)
  expect(await answer.json()).toMatchObject({ error: { code: 'internal' } })
  const line = printed.split('\n').find((each) => each.includes('A request failed'))
  const { err } = JSON.parse(line ?? '')
  expect(err.message).toMatch(/^Failed query: insert into "session"/)
  expect(err.cause).toMatchObject({ code: '23514', table: 'session', constraint: 'none' })
  expect(printed).not.toContain('params')
  expect(printed).not.toContain('Failing row contains')
  // A token has 32 characters of this kind, and nothing else in these lines has.
  expect(printed).not.toMatch(/\b[A-Za-z0-9]{32}\b/)
})

test('what better-auth refuses is a JSON line without the value', async () => {
  expect((await signIn('http://elsewhere.example')).status).toBe(403)
  expect(printed).toContain('"msg":"better-auth: Invalid origin"')
  expect(printed).not.toContain('elsewhere')
})

test('an error of PostgreSQL is logged without the values that it quotes', async () => {
  const error = await postgres.pool.query(`select 'top secret'::integer`).catch((each) => each)
  expect(errorForLog(error)).toMatchObject({
    code: '22P02',
    message: 'invalid input syntax for type integer: "…"',
  })
  expect(JSON.stringify(errorForLog(error))).not.toContain('secret')
})
