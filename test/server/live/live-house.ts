import { tmpdir } from 'node:os'
import { io, type Socket } from 'socket.io-client'
import { z } from 'zod'
import { startJob, writeRun } from '#jobs/redis/attempt.ts'
import { keys } from '#jobs/redis/keys.ts'
import { TrackedRun } from '#jobs/tracked-run.ts'
import { delivery, newJob, newRef, openStore } from '../../jobs/job-fixture.ts'
import { makePeople, password, testEnvironment } from '../server-fixture.ts'
import { startServer } from '../start-server.ts'

/** Servers without pages in this process, and jobs that a test runs by hand. */
export async function openLiveHouse({ servers: count = 1 } = {}) {
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
    /** A job that runs, and what it is made to do. */
    async runningJob(
      userId = people.user.userId,
      search = 'linking-domains',
      createdAt = new Date(),
    ) {
      const ref = await newJob(store, newRef(search, userId), { createdAt })
      await startJob(delivery(ref), new Date(), store)
      const run = new TrackedRun(1, {
        write: (write) => writeRun(ref, write, store),
        now: () => new Date(),
        onRefused() {},
        signal: new AbortController().signal,
      })
      return {
        ...ref,
        /** In one event. */
        async rows(count: number, bytes = 1): Promise<void> {
          for (let n = 0; n < count; n++) await run.add({ n, text: 'x'.repeat(bytes) })
          await run.flush()
        },
        complete: () => run.complete(),
      }
    },
    /** How many servers listen to a job right now. */
    async listenersOf(jobId: string): Promise<number> {
      const [, count] = z
        .tuple([z.string(), z.number()])
        .parse(await store.redis.pubsub('NUMSUB', keys.log({ ...store, number: 0 }, jobId)))
      return count
    },
    /** A new socket; it is closed with the house. */
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
    /** Signs in as a page of that server does; answers the cookie. */
    async signIn(email: string, at = url): Promise<string> {
      const answer = await fetch(`${at}/api/auth/sign-in/email`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Origin: at },
        body: JSON.stringify({ email, password }),
      })
      if (!answer.ok) throw new Error(`Sign-in was answered ${answer.status}`)
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

export type LiveHouse = Awaited<ReturnType<typeof openLiveHouse>>

/**
 * Asks and hands over the answer in the order in which it arrived, which the promise of
 * `emitWithAck` does not.
 */
// biome-ignore lint/suspicious/noExplicitAny: answers are looked at, not relied on
export function ask(socket: Socket, event: string, message?: unknown): Promise<any> {
  return new Promise((resolve) => socket.emit(event, message, resolve))
}

/** Everything of one kind that a socket is told from now on. */
// biome-ignore lint/suspicious/noExplicitAny: frames are looked at, not relied on
export function recordFrames(socket: Socket, event: string): any[] {
  // biome-ignore lint/suspicious/noExplicitAny: as above
  const frames: any[] = []
  socket.on(event, (frame) => frames.push(frame))
  return frames
}
