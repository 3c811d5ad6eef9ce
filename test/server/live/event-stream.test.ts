import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { deleteJob } from '#jobs/redis/delete-job.ts'
import { jobIn } from '../../jobs/job-fixture.ts'
import { type LiveEnvironment, openLiveEnvironment } from './live-environment.ts'

let env: LiveEnvironment
beforeAll(async () => {
  env = await openLiveEnvironment()
})
afterAll(() => env.close())

interface StreamMessage {
  id: string | null
  event: string
  // biome-ignore lint/suspicious/noExplicitAny: tests inspect it as it comes
  data: any
}

/** The messages of a job's stream, as a client reads them. A comment has the event `comment`. */
async function* streamOf(
  jobId: string,
  lastEventId?: string,
  signal?: AbortSignal,
): AsyncGenerator<StreamMessage> {
  const response = await fetch(`${env.url}/api/jobs/${jobId}/events`, {
    headers: {
      Authorization: `Bearer ${env.people.user.key}`,
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

async function readAll(stream: AsyncGenerator<StreamMessage>): Promise<StreamMessage[]> {
  const messages: StreamMessage[] = []
  for await (const message of stream) messages.push(message)
  return messages
}
const seqs = (messages: StreamMessage[]) =>
  messages.flatMap(({ id }) => (id ? [Number(id.split(':')[1])] : []))

describe('an event stream', () => {
  test('sends every event from the beginning, in order, and ends with the job', async () => {
    const job = await env.runningJob()
    const reading = readAll(streamOf(job.id))
    await job.rows(2)
    await job.rows(3)
    await job.complete()
    const messages = await reading
    expect(seqs(messages)).toEqual([1, 2, 3, 4, 5])
    expect(messages.map(({ event }) => event)).toEqual(['state', 'state', 'rows', 'rows', 'state'])
    expect(messages.flatMap(({ data }) => data.rows ?? [])).toHaveLength(5)
    expect(messages.at(-1)?.data).toMatchObject({ state: 'complete' })
  })

  test('resumes after the last event that the client has, without gaps or duplicates', async () => {
    const job = await env.runningJob()
    const disconnect = new AbortController()
    const messages: StreamMessage[] = []
    try {
      for await (const message of streamOf(job.id, undefined, disconnect.signal)) {
        messages.push(message)
        if (seqs(messages).length === 2) await job.rows(1)
        if (seqs(messages).length === 3) disconnect.abort()
      }
    } catch {}
    await job.rows(1)
    const rest = readAll(streamOf(job.id, messages.at(-1)?.id ?? ''))
    await job.rows(1)
    await job.complete()
    expect([...seqs(messages), ...seqs(await rest)]).toEqual([1, 2, 3, 4, 5, 6])
  })

  test('resuming after the end answers 204', async () => {
    const job = await env.runningJob()
    const reading = readAll(streamOf(job.id))
    await job.complete()
    const last = (await reading).at(-1)?.id ?? ''
    const again = await fetch(`${env.url}/api/jobs/${job.id}/events`, {
      headers: { Authorization: `Bearer ${env.people.user.key}`, 'Last-Event-ID': last },
    })
    expect(again.status).toBe(204)
  })

  test('an unknown epoch or seq starts with a resync', async () => {
    const job = await env.runningJob()
    await job.rows(1)
    for (const lastEventId of ['another-epoch:2', `${(await jobIn(env.store, job.id)).epoch}:99`]) {
      for await (const { event, data } of streamOf(job.id, lastEventId)) {
        expect(event).toBe('resync')
        expect(data).toMatchObject({ id: job.id, seq: 3, job: { rowCount: 1 } })
        break
      }
    }
    await job.complete()
  })

  test('sends heartbeats', async () => {
    const job = await env.runningJob()
    for await (const { event } of streamOf(job.id)) if (event === 'comment') break
    await job.complete()
  })

  test('of a deleted job answers 404', async () => {
    const job = await env.runningJob()
    await job.complete()
    await deleteJob(await jobIn(env.store, job.id), { counted: true }, env.store)
    const gone = await fetch(`${env.url}/api/jobs/${job.id}/events`, {
      headers: { Authorization: `Bearer ${env.people.user.key}` },
    })
    expect(gone.status).toBe(404)
  })

  test('a client that stops reading gets a resync for the missed events, and the end', async () => {
    const job = await env.runningJob()
    const { hostname, port } = new URL(env.url)
    const client = connect(Number(port), hostname)
    let text = ''
    let onFirstEvent = () => {}
    const firstEvent = new Promise<void>((resolve) => {
      onFirstEvent = resolve
    })
    client.on('data', (data) => {
      text += data
      if (text.includes('event: state')) onFirstEvent()
    })
    client.write(
      `GET /api/jobs/${job.id}/events HTTP/1.1\r\nHost: ${hostname}\r\nAuthorization: Bearer ${env.people.user.key}\r\nConnection: close\r\n\r\n`,
    )
    await firstEvent
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
