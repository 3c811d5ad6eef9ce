import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { Job } from '#jobs/job.ts'
import type { ChaosUser } from './ground.ts'
import type { Account, JobView } from './job-view.ts'
import type { Wire } from './viewer.ts'

const Resync = z.object({ job: Job })

/** A program that reads the server-sent events of one job, and goes on from the last id whenever they break off. */
export function readEvents(view: JobView, { key }: ChaosUser, url: string, account: Account): Wire {
  let connection: AbortController | null = null
  let closed = false
  let paused: Promise<void> | null = null

  async function readAll(): Promise<void> {
    while (!closed && !view.ended) {
      const mine = new AbortController()
      connection = mine
      await readOnce(mine.signal).catch(() => {})
      mine.abort()
      connection = null
      await delay(50)
    }
  }

  async function readOnce(signal: AbortSignal): Promise<void> {
    const { position } = view
    const response = await fetch(`${url}/api/jobs/${view.id}/events`, {
      headers: { Authorization: `Bearer ${key}`, ...(position ? { 'Last-Event-ID': `${position.epoch}:${position.seq}` } : {}) },
      signal,
    })
    if (response.status === 204) view.say('is said to be at its end, which was not told')
    if (response.status !== 200 || !response.body) return
    view.door = 'open'
    if (position) account.replays++
    let text = ''
    for await (const part of response.body.pipeThrough(new TextDecoderStream())) {
      await paused
      text += part
      const blocks = text.split('\n\n')
      text = blocks.pop() ?? ''
      for (const block of blocks) if (!block.startsWith(':')) take(block)
    }
    if (text !== '') view.say('its stream ends in the midst of an event')
  }

  function take(block: string): void {
    const fields = new Map(block.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)]))
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
      connection?.abort()
      return connection !== null
    },
    async pause(ms) {
      paused = delay(ms)
      await paused
      paused = null
    },
    close() {
      closed = true
      connection?.abort()
    },
  }
}
