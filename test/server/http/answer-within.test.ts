import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { Hono } from 'hono'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { answerWithin, Overdue } from '#server/http/answer-within.ts'

const app = new Hono()
app.onError((error, c) => c.text(error.name, error instanceof Overdue ? 503 : 500))
app.use(answerWithin(100))
app.get('/never', () => new Promise<Response>(() => {}))
app.post('/length', async (c) => c.text(String((await c.req.text()).length)))

const server = createServer(getRequestListener(app.fetch, { overrideGlobalObjects: false }))
let port: number
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  port = (server.address() as AddressInfo).port
})
afterAll(() => {
  server.close()
})

const never = () => fetch(`http://127.0.0.1:${port}/never`)

test('a request that is never done is answered', async () => {
  const response = await never()
  expect(response.status).toBe(503)
  expect(await response.text()).toBe('Overdue')
})

test('the time that a client takes to send its body does not count', async () => {
  const sending = request({ port, host: '127.0.0.1', path: '/length', method: 'POST' })
  const answer = new Promise<number | undefined>((resolve, reject) => {
    sending.on('response', (response) => resolve(response.resume().statusCode))
    sending.on('error', reject)
  })
  sending.write('half')
  // Each of them takes as long as a request may take.
  for (let i = 0; i < 3; i++) expect((await never()).status).toBe(503)
  sending.end('half')
  expect(await answer).toBe(200)
})
