import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { deleteJob } from '#jobs/redis/delete-job.ts'
import { jobIn } from '../../jobs/job-fixture.ts'
import { type LiveHouse, openLiveHouse } from './live-house.ts'

let house: LiveHouse
beforeAll(async () => {
  house = await openLiveHouse()
})
afterAll(() => house.close())

interface Told {
  id: string | null
  event: string
  // biome-ignore lint/suspicious/noExplicitAny: looked at, not relied on
  data: any
}

/**
 * The stream of a job as a client reads it, message by message; those of comments have the event
 * `comment`.
 */
async function* streamOf(
  jobId: string,
  lastEventId?: string,
  signal?: AbortSignal,
): AsyncGenerator<Told> {
  const response = await fetch(`${house.url}/api/jobs/${jobId}/events`, {
    headers: {
      Authorization: `Bearer ${house.people.user.key}`,
      ...(lastEventId ? { 'Last-Event-ID': lastEventId } : {}),
    },
    signal: signal ?? null,
  })
  expect(response.status).toBe(200)
  let text = ''
  for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += chunk
    const messages = text.split('\n\n')
    text = messages.pop() ?? ''
    for (const message of messages) {
      const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(message)?.[1] ?? null
      if (message.startsWith(':')) yield { id: null, event: 'comment', data: message }
      else if (field('event'))
        yield {
          id: field('id'),
          event: field('event') ?? '',
          data: JSON.parse(field('data') ?? 'null'),
        }
    }
  }
}

async function readAll(stream: AsyncGenerator<Told>): Promise<Told[]> {
  const told: Told[] = []
  for await (const message of stream) told.push(message)
  return told
}
const seqs = (told: Told[]) => told.flatMap(({ id }) => (id ? [Number(id.split(':')[1])] : []))

describe('an event stream', () => {
  test('tells everything from the beginning, in order, and ends with the job', async () => {
    const job = await house.runningJob()
    const reading = readAll(streamOf(job.id))
    await job.rows(2)
    await job.rows(3)
    await job.complete()
    const told = await reading
    expect(seqs(told)).toEqual([1, 2, 3, 4, 5])
    expect(told.map(({ event }) => event)).toEqual(['state', 'state', 'rows', 'rows', 'state'])
    expect(told.flatMap(({ data }) => data.rows ?? [])).toHaveLength(5)
    expect(told.at(-1)?.data).toMatchObject({ state: 'complete' })
  })

  test('goes on behind the last event that its client has, none missing and none twice', async () => {
    const job = await house.runningJob()
    const leaving = new AbortController()
    const told: Told[] = []
    try {
      for await (const message of streamOf(job.id, undefined, leaving.signal)) {
        told.push(message)
        if (seqs(told).length === 2) await job.rows(1)
        if (seqs(told).length === 3) leaving.abort()
      }
    } catch {}
    await job.rows(1)
    const rest = readAll(streamOf(job.id, told.at(-1)?.id ?? ''))
    await job.rows(1)
    await job.complete()
    expect([...seqs(told), ...seqs(await rest)]).toEqual([1, 2, 3, 4, 5, 6])
  })

  test('behind the end there is nothing: 204', async () => {
    const job = await house.runningJob()
    const reading = readAll(streamOf(job.id))
    await job.complete()
    const last = (await reading).at(-1)?.id ?? ''
    const again = await fetch(`${house.url}/api/jobs/${job.id}/events`, {
      headers: { Authorization: `Bearer ${house.people.user.key}`, 'Last-Event-ID': last },
    })
    expect(again.status).toBe(204)
  })

  test('with a position of another store, or of nowhere, begins with the job as it is', async () => {
    const job = await house.runningJob()
    await job.rows(1)
    for (const lastEventId of [
      'another-epoch:2',
      `${(await jobIn(house.store, job.id)).epoch}:99`,
    ]) {
      for await (const { event, data } of streamOf(job.id, lastEventId)) {
        expect(event).toBe('resync')
        expect(data).toMatchObject({ id: job.id, seq: 3, job: { rowCount: 1 } })
        break
      }
    }
    await job.complete()
  })

  test('is kept open by heartbeats', { timeout: 40_000 }, async () => {
    const job = await house.runningJob()
    for await (const { event } of streamOf(job.id)) if (event === 'comment') break
    await job.complete()
  })

  test('of a deleted job there is none: 404', async () => {
    const job = await house.runningJob()
    await job.complete()
    await deleteJob(await jobIn(house.store, job.id), { counted: true }, house.store)
    const gone = await fetch(`${house.url}/api/jobs/${job.id}/events`, {
      headers: { Authorization: `Bearer ${house.people.user.key}` },
    })
    expect(gone.status).toBe(404)
  })

  test('whose client stops reading gets a resync in place of what it missed, and the end', {
    timeout: 60_000,
  }, async () => {
    const job = await house.runningJob()
    const { hostname, port } = new URL(house.url)
    const client = connect(Number(port), hostname)
    let text = ''
    let begun = () => {}
    const first = new Promise<void>((resolve) => {
      begun = resolve
    })
    client.on('data', (data) => {
      text += data
      if (text.includes('event: state')) begun()
    })
    client.write(
      `GET /api/jobs/${job.id}/events HTTP/1.1\r\nHost: ${hostname}\r\nAuthorization: Bearer ${house.people.user.key}\r\nConnection: close\r\n\r\n`,
    )
    await first
    client.pause()
    for (let i = 0; i < 180; i++) await job.rows(10, 15_000)
    await job.complete()
    const end = new Promise((resolve) => client.once('close', resolve))
    client.resume()
    await end
    expect(text).toContain('event: resync')
    expect(text.slice(text.lastIndexOf('event: '))).toContain('"state":"complete"')
    expect(text.length).toBeLessThan(20_000_000)
  })
})
