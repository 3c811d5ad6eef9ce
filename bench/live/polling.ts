import { Agent, get } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { hasEnd } from './bench-event.ts'
import type { Contender } from './contender.ts'
import { openRuns } from './searchlight.ts'

const pollEveryMs = 2_000
const agent = new Agent({ keepAlive: true })
const JobAnswer = z.object({ job: z.object({ seq: z.number(), rowCount: z.number() }) })
const RowsPage = z.object({ rows: z.array(z.unknown()) })

/** The way of pages without live delivery: request the job and its new rows every 2 s. */
export const polling: Contender = {
  name: 'polling',
  server: 'searchlight-server.ts',
  openPublisher: openRuns,
  async watch(url, jobIds, { apiKey }, onText) {
    const stop = new AbortController()
    const positions = new Set<string>()
    const poll = async (id: string) => {
      let known = 0
      await delay(Math.random() * pollEveryMs, null, { signal: stop.signal })
      for (;;) {
        const askedAt = performance.now()
        const text = await read(`${url}/api/jobs/${id}`, apiKey)
        const { seq, rowCount } = JobAnswer.parse(JSON.parse(text)).job
        positions.add(`${id} ${seq}`)
        if (rowCount > known) {
          const page = await read(`${url}/api/jobs/${id}/rows?from=${known}&limit=5000`, apiKey)
          // The page may hold more rows than the job said a moment ago.
          known += RowsPage.parse(JSON.parse(page)).rows.length
          onText(page)
        }
        onText(text)
        if (hasEnd(text)) return
        await delay(Math.max(0, pollEveryMs - (performance.now() - askedAt)), null, {
          signal: stop.signal,
        })
      }
    }
    for (const id of jobIds) {
      poll(id).catch((error) => {
        if (!stop.signal.aborted) throw error
      })
    }
    return { close: () => stop.abort(), positionsSeen: () => positions.size }
  },
}

function read(url: string, apiKey: string): Promise<string> {
  return new Promise((resolve, reject) => {
    get(url, { agent, headers: { Authorization: `Bearer ${apiKey}` } }, async (response) => {
      const text = (await response.setEncoding('utf8').toArray()).join('')
      if (response.statusCode === 200) resolve(text)
      else reject(new Error(`${url} answered ${response.statusCode}: ${text}`))
    }).on('error', reject)
  })
}
