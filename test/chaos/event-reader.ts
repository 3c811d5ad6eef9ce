import { once } from 'node:events'
import { IncomingMessage, request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { Job } from '#jobs/job.ts'
import type { ChaosUser } from './ground.ts'
import type { Account, JobView } from './job-view.ts'
import type { Wire } from './viewer.ts'

const Resync = z.object({ job: Job })

/**
 * A program that reads the server-sent events of one job, and goes on from the last id whenever
 * they break off.
 */
export function readEvents(view: JobView, { key }: ChaosUser, url: string, account: Account): Wire {
  let response: IncomingMessage | null = null
  let closed = false

  async function readAll(): Promise<void> {
    while (!closed && !view.ended) {
      await readOnce().catch(() => {})
      response = null
      view.door = 'closed'
      await delay(50)
    }
  }

  async function readOnce(): Promise<void> {
    const { position } = view
    const headers = {
      Authorization: `Bearer ${key}`,
      ...(position ? { 'Last-Event-ID': `${position.epoch}:${position.seq}` } : {}),
    }
    const sent = request(`${url}/api/jobs/${view.id}/events`, { headers, agent: false }).end()
    // Whatever breaks it off, it closes: then the rest is asked for.
    sent.on('error', () => {})
    const [answer] = z.tuple([z.instanceof(IncomingMessage)]).parse(await once(sent, 'response'))
    response = answer.on('error', () => {})
    if (answer.statusCode === 204) view.say('is said to be at its end, which was not told')
    if (answer.statusCode !== 200) {
      answer.destroy()
      return
    }
    view.door = 'open'
    if (position) account.replays++
    let text = ''
    answer.setEncoding('utf8').on('data', (part) => {
      text += part
      const blocks = text.split('\n\n')
      text = blocks.pop() ?? ''
      for (const block of blocks) if (!block.startsWith(':')) take(block)
    })
    await once(answer, 'close')
    if (answer.complete && text !== '') view.say('its stream ends in the midst of an event')
  }

  function take(block: string): void {
    const fields = new Map(
      block
        .split('\n')
        .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]),
    )
    const [, epoch = '', number] = /^(.*):(\d+)$/.exec(fields.get('id') ?? '') ?? []
    const type = fields.get('event') ?? ''
    const data: unknown = JSON.parse(fields.get('data') ?? '')
    if (type === 'resync') {
      account.resyncs++
      view.take(Resync.parse(data).job)
      return
    }
    if (number !== undefined) {
      view.position ??= { epoch, seq: 0 }
      if (epoch !== view.position.epoch) view.say(`${type} ${number} is of another epoch`)
    }
    view.event(number === undefined ? null : Number(number), type, data)
  }

  void readAll()
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
