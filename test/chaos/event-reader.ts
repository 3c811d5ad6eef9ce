import { once } from 'node:events'
import { IncomingMessage, request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { Job } from '#jobs/job.ts'
import type { ChaosUser } from './chaos-environment.ts'
import type { JobView, Observations } from './job-view.ts'
import type { ClientConnection } from './viewer.ts'

const Resync = z.object({ job: Job })

/**
 * A client that reads one job's server-sent events. After a break, it resumes from the last id.
 */
export function readEvents(
  view: JobView,
  { key }: ChaosUser,
  url: string,
  observed: Observations,
): ClientConnection {
  let response: IncomingMessage | null = null
  let closed = false

  async function readUntilEnd(): Promise<void> {
    while (!closed && !view.ended) {
      await readStream().catch(() => {})
      response = null
      view.watchState = 'unwatched'
      await delay(50)
    }
  }

  async function readStream(): Promise<void> {
    const { position } = view
    const headers = {
      Authorization: `Bearer ${key}`,
      ...(position ? { 'Last-Event-ID': `${position.epoch}:${position.seq}` } : {}),
    }
    const outgoing = request(`${url}/api/jobs/${view.id}/events`, { headers, agent: false }).end()
    // `close` follows any error; the loop then requests the rest.
    outgoing.on('error', () => {})
    const [answer] = z
      .tuple([z.instanceof(IncomingMessage)])
      .parse(await once(outgoing, 'response'))
    response = answer.on('error', () => {})
    if (answer.statusCode === 204)
      view.report('the server says the job has ended, but never sent the ending')
    if (answer.statusCode !== 200) {
      answer.destroy()
      return
    }
    view.watchState = 'watching'
    if (position) observed.replays++
    let text = ''
    answer.setEncoding('utf8').on('data', (part) => {
      text += part
      const blocks = text.split('\n\n')
      text = blocks.pop() ?? ''
      for (const block of blocks) if (!block.startsWith(':')) takeBlock(block)
    })
    await once(answer, 'close')
    if (answer.complete && text !== '') view.report('its stream ends within an event')
  }

  function takeBlock(block: string): void {
    const fields = new Map(
      block
        .split('\n')
        .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
    )
    const [, epoch = '', number] = /^(.*):(\d+)$/.exec(fields.get('id') ?? '') ?? []
    const type = fields.get('event') ?? ''
    const data: unknown = JSON.parse(fields.get('data') ?? '')
    if (type === 'resync') {
      observed.resyncs++
      view.takeSnapshot(Resync.parse(data).job)
      return
    }
    if (number !== undefined) {
      view.position ??= { epoch, seq: 0 }
      if (epoch !== view.position.epoch)
        view.report(`event ${number} (${type}) belongs to another epoch`)
    }
    view.takeEvent(number === undefined ? null : Number(number), type, data)
  }

  void readUntilEnd()
  return {
    cut() {
      response?.destroy()
      return response !== null
    },
    async pause(ms) {
      const paused = response
      paused?.pause()
      await delay(ms)
      paused?.resume()
    },
    close() {
      closed = true
      response?.destroy()
    },
  }
}
