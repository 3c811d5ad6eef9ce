import { Agent, get } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { tellsTheEnd } from './bench-event.ts'
import type { Contender } from './contender.ts'
import { openRuns } from './searchlight.ts'

const everyMs = 2_000
const agent = new Agent({ keepAlive: true })
const JobNow = z.object({ job: z.object({ seq: z.number(), rowCount: z.number() }) })
const RowsPage = z.object({ rows: z.array(z.unknown()) })

/**
 * What pages do without live delivery: ask the same server for the job, and for its new rows, every
 * 2 s.
 */
export const polling: Contender = {
  name: 'polling',
  server: 'searchlight-server.ts',
  openPublisher: openRuns,
  async watch(url, jobIds, { apiKey }, heard) {
    const stop = new AbortController()
    const moments = new Set<string>()
    const poll = async (id: string) => {
      let known = 0
      await delay(Math.random() * everyMs, null, { signal: stop.signal })
      for (;;) {
        const asked = performance.now()
        const text = await read(`${url}/api/jobs/${id}`, apiKey)
        const { seq, rowCount } = JobNow.parse(JSON.parse(text)).job
        moments.add(`${id} ${seq}`)
        if (rowCount > known) {
          const page = await read(`${url}/api/jobs/${id}/rows?from=${known}&limit=5000`, apiKey)
          // More may have come since the job was read.
          known += RowsPage.parse(JSON.parse(page)).rows.length
          heard(page)
        }
        heard(text)
        if (tellsTheEnd(text)) return
        await delay(Math.max(0, everyMs - (performance.now() - asked)), null, {
          signal: stop.signal,
        })
      }
    }
    for (const id of jobIds) {
      poll(id).catch((error) => {
        if (!stop.signal.aborted) throw error
      })
    }
    return { close: () => stop.abort(), momentsSeen: () => moments.size }
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
