import { io } from 'socket.io-client'
import { v7 as uuidV7 } from 'uuid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { keys } from '#jobs/redis/keys.ts'
import { ask, type LiveEnvironment, openLiveEnvironment, recordFrames } from './live-environment.ts'

let env: LiveEnvironment
beforeAll(async () => {
  env = await openLiveEnvironment()
})
afterAll(() => env.close())

const user = () => ({ key: env.people.user.key })
const newId = () => `0-${uuidV7()}`

describe('a handshake', () => {
  const connect = (headers: Record<string, string>) => {
    const socket = io(env.url, {
      transports: ['websocket'],
      forceNew: true,
      reconnection: false,
      extraHeaders: headers,
    })
    return new Promise<string>((resolve) => {
      socket.once('connect', () => resolve('connected'))
      socket.once('connect_error', (error) => resolve(error.message))
    }).finally(() => socket.disconnect())
  }

  test('with a cookie is accepted only from our own origin', async () => {
    const cookie = await env.signIn('user@example.com')
    expect(await connect({ Cookie: cookie, Origin: env.url })).toBe('connected')
    expect(await connect({ Cookie: cookie, Origin: 'https://evil.example' })).not.toBe('connected')
    expect(await connect({ Cookie: cookie, Origin: 'null' })).not.toBe('connected')
    expect(await connect({ Cookie: cookie })).not.toBe('connected')
  })

  test('without a cookie or key is refused', async () => {
    expect(await connect({})).toBe('Sign in first.')
  })
})

describe('a socket', () => {
  test('is closed after a message larger than 64 KB', async () => {
    const socket = await env.socket(user())
    const end = new Promise((resolve) => socket.once('disconnect', resolve))
    socket.emit('watch', { jobs: [{ id: 'x'.repeat(70_000) }] })
    expect(await end).toBe('transport close')
  })

  test('answers an invalid message with an error', async () => {
    const socket = await env.socket(user())
    expect(await ask(socket, 'nonsense', {})).toMatchObject({ error: { code: 'invalid_input' } })
    expect(await ask(socket, 'watch', { jobs: 'all' })).toMatchObject({
      error: { code: 'invalid_input' },
    })
    expect(await ask(socket, 'watch')).toMatchObject({ error: { code: 'invalid_input' } })
    const many = Array.from({ length: 201 }, () => ({ id: newId() }))
    expect(await ask(socket, 'watch', { jobs: many })).toMatchObject({
      error: { code: 'invalid_input' },
    })
    expect(await ask(socket, 'watch', { jobs: [] })).toEqual([])
  })

  test('can watch 1,000 jobs, each counted once', async () => {
    const socket = await env.socket({ key: env.people.admin.key })
    const jobs: { id: string }[] = []
    for (let i = 0; i < 1_001; i++) jobs.push({ id: (await env.runningJob(`many-${i}`)).id })
    for (let i = 0; i < 1_000; i += 200) {
      expect(await ask(socket, 'watch', { jobs: jobs.slice(i, i + 200) })).toHaveLength(200)
    }
    expect(await ask(socket, 'watch', { jobs: jobs.slice(0, 200) })).toHaveLength(200)
    expect(await ask(socket, 'watch', { jobs: jobs.slice(1_000) })).toMatchObject({
      error: { code: 'too_large' },
    })
    await ask(socket, 'unwatch', { jobs: [jobs[0]?.id] })
    expect(await ask(socket, 'watch', { jobs: jobs.slice(1_000) })).toMatchObject([
      { mode: 'snapshot' },
    ])
  })

  test('is rate-limited, and answered again once it slows down', async () => {
    const socket = await env.socket(user())
    const answers = await Promise.all(
      Array.from({ length: 500 }, () => ask(socket, 'watch', { jobs: [] })),
    )
    const refused = answers.filter((answer) => !Array.isArray(answer))
    expect(refused.length).toBeGreaterThan(200)
    expect(answers.length - refused.length).toBeGreaterThanOrEqual(200)
    for (const answer of refused) expect(answer).toMatchObject({ error: { code: 'rate_limited' } })
    await expect.poll(() => ask(socket, 'watch', { jobs: [] })).toEqual([])
  })

  test('answers messages in order', async () => {
    const socket = await env.socket(user())
    const job = await env.runningJob()
    const frames = recordFrames(socket, 'events')
    const order: string[] = []
    const acknowledged = [
      ask(socket, 'watch', { jobs: [{ id: job.id }] }).then(() => order.push('watch')),
      ask(socket, 'unwatch', { jobs: [job.id] }).then(() => order.push('unwatch')),
    ]
    await Promise.all(acknowledged)
    await job.rows(1)
    await job.complete()
    const [answer] = await ask(socket, 'watch', { jobs: [{ id: job.id }] })
    expect(order).toEqual(['watch', 'unwatch'])
    expect(answer.job.state).toBe('complete')
    expect(frames).toEqual([])
  })

  test('watches none of the requested jobs if one of them cannot be read', async () => {
    const socket = await env.socket(user())
    const [good, broken] = [
      await env.runningJob(),
      await env.runningJob(env.people.user.userId, 'keywords'),
    ]
    const frames = recordFrames(socket, 'events')
    await env.store.redis.hset(
      keys.record({ ...env.store, number: 0 }, broken.id),
      'state',
      'nonsense',
    )
    const answer = await ask(socket, 'watch', { jobs: [{ id: good.id }, { id: broken.id }] })
    expect(answer).toMatchObject({ error: { code: 'internal' } })
    await good.complete()
    await ask(socket, 'watch', { jobs: [] })
    expect(frames).toEqual([])
  })

  test('is closed if it ignores the rate limit', async () => {
    const socket = await env.socket(user())
    const end = new Promise((resolve) => socket.once('disconnect', resolve))
    for (let i = 0; i < 2_000; i++) socket.emit('watch', { jobs: [] })
    await end
  })

  test('that disconnects before its messages are answered leaves no subscription', async () => {
    const listSubscribers = async () =>
      (
        await env.store.redis.pubsub(
          'NUMSUB',
          keys.ownJobs({ ...env.store, number: 0 }, env.people.other.userId),
        )
      )[1]
    const job = await env.runningJob(env.people.other.userId)
    for (let i = 0; i < 20; i++) {
      const socket = await env.socket({ key: env.people.other.key })
      for (let n = 0; n < 10; n++) {
        socket.emit('watch', { jobs: [{ id: job.id }] })
        socket.emit('jobs:open', {})
      }
      socket.io.engine.close()
    }
    const witness = await env.socket(user())
    for (let n = 0; n < 20; n++) await ask(witness, 'watch', { jobs: [{ id: job.id }] })
    await expect.poll(listSubscribers).toBe(0)
    await expect.poll(() => env.listenersOf(job.id)).toBe(0)
    await job.complete()
  })

  test("gets the same answer for another user's job as for an unknown one", async () => {
    const socket = await env.socket({ key: env.people.other.key })
    const job = await env.runningJob()
    const frames = recordFrames(socket, 'events')
    const unknown = newId()
    const [answer, same] = await ask(socket, 'watch', { jobs: [{ id: job.id }, { id: unknown }] })
    expect({ ...answer, id: unknown }).toEqual(same)
    expect(answer).toMatchObject({ error: { code: 'not_found' } })
    await job.complete()
    await ask(socket, 'watch', { jobs: [] })
    expect(frames).toEqual([])
  })

  test('gets at most 1 MB of replay per watch, and snapshots of the other jobs', async () => {
    const socket = await env.socket({ key: env.people.admin.key })
    const jobs = []
    for (let i = 0; i < 25; i++) {
      const job = await env.runningJob(`behind-${i}`)
      const [{ epoch, seq }] = await ask(socket, 'watch', { jobs: [{ id: job.id }] })
      await ask(socket, 'unwatch', { jobs: [job.id] })
      await job.rows(4, 15_000)
      jobs.push({ id: job.id, since: { epoch, seq } })
    }
    const answers: { mode: string; seq: number; job: { rowCount: number } }[] = await ask(
      socket,
      'watch',
      { jobs },
    )
    expect(answers.filter(({ mode }) => mode === 'replay').length).toBeLessThanOrEqual(17)
    expect(answers.filter(({ mode }) => mode === 'replay').length).toBeGreaterThan(10)
    for (const { job } of answers) expect(job.rowCount).toBe(4)
  })

  test('that stops reading gets a resync for the missed events, and the end', async () => {
    const socket = await env.socket(user())
    const job = await env.runningJob()
    let rowsReceived = 0
    let resyncs = 0
    let last = 0
    const ended = new Promise<string>((resolve) => {
      socket.on(
        'events',
        (events: [string, number | null, string, { state?: string; rows?: unknown[] }][]) => {
          for (const [, seq, type, data] of events) {
            if (seq !== null) {
              expect(seq).toBe(last + 1)
              last = seq
            }
            rowsReceived += data.rows?.length ?? 0
            if (type === 'state' && data.state === 'complete') resolve('event')
          }
        },
      )
      socket.on('resync', ({ seq, job: { state } }) => {
        resyncs++
        last = seq
        if (state === 'complete') resolve('resync')
      })
    })
    const [{ seq }] = await ask(socket, 'watch', { jobs: [{ id: job.id }] })
    last = seq
    // Pause the TCP socket: its buffers fill up, and then the server must hold its frames.
    const { _socket: tcp } = Reflect.get(socket.io.engine.transport, 'ws')
    tcp.pause()
    for (let i = 0; i < 180; i++) await job.rows(10, 15_000)
    await job.complete()
    tcp.resume()
    await ended
    expect(resyncs).toBeGreaterThan(0)
    expect(rowsReceived).toBeLessThan(1_800)
  })
})
