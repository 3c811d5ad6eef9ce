import { tmpdir } from 'node:os'
import { io, type Socket } from 'socket.io-client'
import { z } from 'zod'
import type { Cells, Row } from '#jobs/define-search.ts'
import { startJob, writeRun } from '#jobs/redis/attempt.ts'
import { keys } from '#jobs/redis/keys.ts'
import type { JobRef, JobStore } from '#jobs/redis/store.ts'
import { TrackedRun } from '#jobs/tracked-run.ts'
import { delivery, newJob, newRef, openStore } from '../../jobs/job-fixture.ts'
import { makePeople, password, testEnvironment } from '../server-fixture.ts'
import { startServer } from '../start-server.ts'

/** Servers without pages, in this process, and jobs that the test runs step by step. */
export async function openLiveEnvironment({ servers: count = 1 } = {}) {
  const { environment, drop } = await testEnvironment(tmpdir())
  const servers = [await startServer(environment)]
  while (servers.length < count) servers.push(await startServer(environment))
  const urls = servers.map(({ url }) => url)
  const [url = ''] = urls
  const people = await makePeople(environment.DATABASE_URL, environment.AUTH_SECRET, url)
  const store = await openStore(environment.REDIS_PREFIX)
  const sockets: Socket[] = []

  return {
    url,
    urls,
    people,
    store,
    databaseUrl: environment.DATABASE_URL,
    /** A running job, with functions that write its rows and complete it. */
    async runningJob(
      userId = people.user.userId,
      search = 'linking-domains',
      createdAt = new Date(),
    ) {
      const ref = await newJob(store, newRef(search, userId), { createdAt })
      return runByHand(ref, store)
    },
    /** How many servers are subscribed to a job's channel. */
    async listenersOf(jobId: string): Promise<number> {
      const [, count] = z
        .tuple([z.string(), z.number()])
        .parse(await store.redis.pubsub('NUMSUB', keys.log({ ...store, number: 0 }, jobId)))
      return count
    },
    /** A new socket, closed with the environment. */
    socket(options: { key?: string; cookie?: string; at?: string } = {}): Promise<Socket> {
      const { key, cookie, at = url } = options
      const socket = io(at, {
        transports: ['websocket'],
        forceNew: true,
        reconnection: false,
        ...(key ? { auth: { apiKey: key } } : {}),
        ...(cookie ? { extraHeaders: { Cookie: cookie, Origin: at } } : {}),
      })
      sockets.push(socket)
      return new Promise((resolve, reject) => {
        socket.once('connect', () => resolve(socket))
        socket.once('connect_error', reject)
      })
    },
    /** Signs in as a page of that server does. @returns the cookie */
    async signIn(email: string, at = url): Promise<string> {
      const answer = await fetch(`${at}/api/auth/sign-in/email`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Origin: at },
        body: JSON.stringify({ email, password }),
      })
      if (!answer.ok) throw new Error(`Sign-in answered ${answer.status}`)
      return answer.headers
        .getSetCookie()
        .map((cookie) => cookie.split(';')[0])
        .join('; ')
    },
    async close(): Promise<void> {
      for (const socket of sockets) socket.disconnect()
      store.close()
      await Promise.all(servers.map((server) => server.close()))
      await drop()
    },
  }
}

/** Starts a job, and returns functions that write its rows and complete it. */
export async function runByHand(ref: JobRef, store: JobStore) {
  await startJob(delivery(ref), store)
  const run = new TrackedRun(1, {
    write: (write) => writeRun(ref, write, store),
    onRefused() {},
    signal: new AbortController().signal,
  })
  return {
    ...ref,
    add: (row: Row) => run.add(row),
    flush: () => run.flush(),
    /** Adds rows in one event. */
    async rows(count: number, bytes = 1): Promise<void> {
      for (let n = 0; n < count; n++) await run.add({ n, text: 'x'.repeat(bytes) })
      await run.flush()
    },
    /** Changes cells of rows, in one event. */
    async change(...changes: [index: number, cells: Cells][]): Promise<void> {
      for (const [index, cells] of changes) run.update(index, cells)
      await run.flush()
    },
    complete: () => run.complete(),
  }
}

export type LiveEnvironment = Awaited<ReturnType<typeof openLiveEnvironment>>

/**
 * Sends a message and resolves with its acknowledgement, in order with the events around it; the
 * promise of `emitWithAck` resolves later.
 */
// biome-ignore lint/suspicious/noExplicitAny: tests inspect answers as they come
export function ask(socket: Socket, event: string, message?: unknown): Promise<any> {
  return new Promise((resolve) => socket.emit(event, message, resolve))
}

/** Collects the frames of one event that a socket receives from now on. */
// biome-ignore lint/suspicious/noExplicitAny: tests inspect frames as they come
export function recordFrames(socket: Socket, event: string): any[] {
  // biome-ignore lint/suspicious/noExplicitAny: as above
  const frames: any[] = []
  socket.on(event, (frame) => frames.push(frame))
  return frames
}
