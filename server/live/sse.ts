import type { Job } from '#jobs/job.ts'
import type { JobReading, Position } from '#jobs/redis/read-job.ts'
import type { Hub } from './hub.ts'
import type { JobReader, LiveEvent } from './live-event.ts'

export interface EventStreamOptions {
  hub: Hub
  /** The client's `Last-Event-ID`. */
  since: Position | null
  /** Ends the stream when the client is gone. */
  signal: AbortSignal
}

const heartbeatMs = 15_000
/** Past this, a client that does not read is let go; it comes back and resumes. */
const mostBytesWaiting = 1024 * 1024

/** `<epoch>:<seq>`, the id of an event in a stream; anything else means from the beginning. */
export function parseEventId(id: string | undefined): Position | null {
  const match = /^(.{1,64}):(\d{1,15})$/.exec(id ?? '')
  return match?.[1] === undefined ? null : { epoch: match[1], seq: Number(match[2]) }
}

/** The events of one job as server-sent events: what happened so far, then each as it happens, to the end. */
export function jobEventStream(jobId: string, { hub, since, signal }: EventStreamOptions): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  let epoch = ''
  let stop = () => {}
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        let open = true
        const send = (text: string) => {
          if (!open) return
          controller.enqueue(encoder.encode(text))
          if ((controller.desiredSize ?? 0) < 0) end()
        }
        const sendEvent = (type: string, seq: number | null, data: string) =>
          send(`${seq === null ? '' : `id: ${epoch}:${seq}\n`}event: ${type}\ndata: ${data}\n\n`)
        const sendJob = (job: Job) => {
          epoch = job.epoch
          sendEvent('resync', job.seq, JSON.stringify({ id: job.id, epoch: job.epoch, seq: job.seq, job }))
        }
        const reader: JobReader = {
          event: ({ type, seq, data }: LiveEvent) => sendEvent(type, seq, data),
          resync: sendJob,
          closed: () => end(),
        }
        const heartbeat = setInterval(() => send(': still here\n\n'), heartbeatMs)
        const end = () => {
          if (!open) return
          open = false
          clearInterval(heartbeat)
          hub.unwatch(reader, jobId)
          controller.close()
        }
        stop = end
        signal.addEventListener('abort', end, { once: true })
        const answer = (reading: JobReading | null) => {
          if (!reading) {
            queueMicrotask(end)
            return false
          }
          epoch = reading.job.epoch
          if (reading.mode === 'snapshot') sendJob(reading.job)
          else for (const { seq, type, data } of reading.events) sendEvent(type, seq, data)
          return true
        }
        hub.watch(reader, jobId, since, answer).catch(end)
      },
      cancel: () => stop(),
    },
    new ByteLengthQueuingStrategy({ highWaterMark: mostBytesWaiting }),
  )
}
