import { io } from 'socket.io-client'
import { v7 as uuidV7 } from 'uuid'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { keys } from '#jobs/redis/keys.ts'
import { ask, type LiveHouse, openLiveHouse, recordFrames } from './live-house.ts'

let house: LiveHouse
beforeAll(async () => {
  house = await openLiveHouse()
})
afterAll(() => house.close())

const user = () => ({ key: house.people.user.key })
const anId = () => `0-${uuidV7()}`

describe('a handshake', () => {
  const connect = (headers: Record<string, string>) => {
    const socket = io(house.url, {
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

  test('with a cookie is taken from a page of ours only', async () => {
    const cookie = await house.signIn('user@example.com')
    expect(await connect({ Cookie: cookie, Origin: house.url })).toBe('connected')
    expect(await connect({ Cookie: cookie, Origin: 'https://evil.example' })).not.toBe('connected')
    expect(await connect({ Cookie: cookie, Origin: 'null' })).not.toBe('connected')
    expect(await connect({ Cookie: cookie })).not.toBe('connected')
  })

  test('without cookie and key is nobody', async () => {
    expect(await connect({})).toBe('Sign in first.')
  })
})

describe('a socket', () => {
  test('that says more than 64 KB at once is closed', async () => {
    const socket = await house.socket(user())
    const end = new Promise((resolve) => socket.once('disconnect', resolve))
    socket.emit('watch', { jobs: [{ id: 'x'.repeat(70_000) }] })
    expect(await end).toBe('transport close')
  })

  test('is told what is wrong with a message', async () => {
    const socket = await house.socket(user())
    expect(await ask(socket, 'nonsense', {})).toMatchObject({ error: { code: 'invalid_input' } })
    expect(await ask(socket, 'watch', { jobs: 'all' })).toMatchObject({
      error: { code: 'invalid_input' },
    })
    expect(await ask(socket, 'watch')).toMatchObject({ error: { code: 'invalid_input' } })
    const many = Array.from({ length: 201 }, () => ({ id: anId() }))
    expect(await ask(socket, 'watch', { jobs: many })).toMatchObject({
      error: { code: 'invalid_input' },
    })
    expect(await ask(socket, 'watch', { jobs: [] })).toEqual([])
  })

  test('may watch 1,000 jobs, each counted once', { timeout: 60_000 }, async () => {
    const socket = await house.socket({ key: house.people.admin.key })
    const jobs: { id: string }[] = []
    for (let i = 0; i < 1_001; i++) jobs.push({ id: (await house.runningJob(`many-${i}`)).id })
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

  test('that says too much is told to slow down, and answered again when it has', async () => {
    const socket = await house.socket(user())
    const answers = await Promise.all(
      Array.from({ length: 500 }, () => ask(socket, 'watch', { jobs: [] })),
    )
    const refused = answers.filter((answer) => !Array.isArray(answer))
    expect(refused.length).toBeGreaterThan(200)
    expect(answers.length - refused.length).toBeGreaterThanOrEqual(200)
    for (const answer of refused) expect(answer).toMatchObject({ error: { code: 'rate_limited' } })
    await expect.poll(() => ask(socket, 'watch', { jobs: [] })).toEqual([])
  })

  test('is answered in the order of its messages', async () => {
    const socket = await house.socket(user())
    const job = await house.runningJob()
    const frames = recordFrames(socket, 'events')
    const order: string[] = []
    const asked = [
      ask(socket, 'watch', { jobs: [{ id: job.id }] }).then(() => order.push('watch')),
      ask(socket, 'unwatch', { jobs: [job.id] }).then(() => order.push('unwatch')),
    ]
    await Promise.all(asked)
    await job.rows(1)
    await job.complete()
    const [answer] = await ask(socket, 'watch', { jobs: [{ id: job.id }] })
    expect(order).toEqual(['watch', 'unwatch'])
    expect(answer.job.state).toBe('complete')
    expect(frames).toEqual([])
  })

  test('watches none of the jobs that it asked for when one of them cannot be read', async () => {
    const socket = await house.socket(user())
    const [good, broken] = [
      await house.runningJob(),
      await house.runningJob(house.people.user.userId, 'keywords'),
    ]
    const frames = recordFrames(socket, 'events')
    await house.store.redis.hset(
      keys.record({ ...house.store, number: 0 }, broken.id),
      'state',
      'nonsense',
    )
    const answer = await ask(socket, 'watch', { jobs: [{ id: good.id }, { id: broken.id }] })
    expect(answer).toMatchObject({ error: { code: 'internal' } })
    await good.complete()
    await ask(socket, 'watch', { jobs: [] })
    expect(frames).toEqual([])
  })

  test('that says far too much is closed', async () => {
    const socket = await house.socket(user())
    const end = new Promise((resolve) => socket.once('disconnect', resolve))
    for (let i = 0; i < 2_000; i++) socket.emit('watch', { jobs: [] })
    await end
  })

  test('that is gone before its questions are answered leaves nothing behind', async () => {
    const listening = async () =>
      (
        await house.store.redis.pubsub(
          'NUMSUB',
          keys.ownJobs({ ...house.store, number: 0 }, house.people.other.userId),
        )
      )[1]
    const job = await house.runningJob(house.people.other.userId)
    for (let i = 0; i < 20; i++) {
      const socket = await house.socket({ key: house.people.other.key })
      for (let n = 0; n < 10; n++) {
        socket.emit('watch', { jobs: [{ id: job.id }] })
        socket.emit('jobs:open', {})
      }
      socket.io.engine.close()
    }
    const witness = await house.socket(user())
    for (let n = 0; n < 20; n++) await ask(witness, 'watch', { jobs: [{ id: job.id }] })
    await expect.poll(listening).toBe(0)
    await expect.poll(() => house.listenersOf(job.id)).toBe(0)
    await job.complete()
  })

  test("does not learn of another user's job, nor that there is one", async () => {
    const socket = await house.socket({ key: house.people.other.key })
    const job = await house.runningJob()
    const frames = recordFrames(socket, 'events')
    const unknown = anId()
    const [answer, same] = await ask(socket, 'watch', { jobs: [{ id: job.id }, { id: unknown }] })
    expect({ ...answer, id: unknown }).toEqual(same)
    expect(answer).toMatchObject({ error: { code: 'not_found' } })
    await job.complete()
    await ask(socket, 'watch', { jobs: [] })
    expect(frames).toEqual([])
  })

  test('that resumes far behind in many jobs is replayed 1 MB, and snapshots of the rest', async () => {
    const socket = await house.socket({ key: house.people.admin.key })
    const jobs = []
    for (let i = 0; i < 25; i++) {
      const job = await house.runningJob(`behind-${i}`)
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

  test('that stops reading is given a resync in place of what it missed, and the end', {
    timeout: 60_000,
  }, async () => {
    const socket = await house.socket(user())
    const job = await house.runningJob()
    let rowsTold = 0
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
            rowsTold += data.rows?.length ?? 0
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
    // The TCP socket below: from here on its buffers fill, and then the server's frames stay with
    // the server.
    const { _socket: tcp } = Reflect.get(socket.io.engine.transport, 'ws')
    tcp.pause()
    for (let i = 0; i < 180; i++) await job.rows(10, 15_000)
    await job.complete()
    tcp.resume()
    await ended
    expect(resyncs).toBeGreaterThan(0)
    expect(rowsTold).toBeLessThan(1_800)
  })
})
