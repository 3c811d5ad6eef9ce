import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import {
  type ChaosEnvironment,
  type ChaosEnvironmentOptions,
  type ChaosUser,
  openChaosEnvironment,
} from './chaos-environment.ts'
import { openLoad } from './delivery-load.ts'
import { type LoadSize, type Plan, planJobs } from './delivery-plan.ts'
import { judgeList, judgeViews } from './delivery-verdict.ts'
import { readEvents } from './event-reader.ts'
import { injectFaults, type Schedule } from './fault-injection.ts'
import { emptyObservations, JobView, type Observations } from './job-view.ts'
import { openListViewer } from './list-viewer.ts'
import { type ClientConnection, openWatcher, rowReader } from './viewer.ts'

interface Size extends LoadSize, Schedule {
  owners: number
  /** Socket.IO clients that watch `jobsPerWatcher` jobs each. */
  watchers: number
  jobsPerWatcher: number
  /** Clients that read the server-sent events of `jobsPerReader` jobs each. */
  readers: number
  jobsPerReader: number
  lists: number
  /** Delays between the creation of a job and the start of some, and of a few, of its watches. */
  lateMs: number
  veryLateMs: number
  /** How long clients may take to see all endings after the last job has ended. */
  timeoutMs: number
  /** Whether the last jobs end only after every client watches all its jobs. */
  waitsForClients: boolean
}

const fullSize: Size = {
  jobs: 200,
  steps: 165,
  stepMs: 45,
  spreadMs: 12_000,
  largeJobs: 10,
  owners: 4,
  watchers: 44,
  jobsPerWatcher: 20,
  readers: 8,
  jobsPerReader: 5,
  lists: 6,
  lateMs: 4_000,
  veryLateMs: 14_000,
  killServerAfterMs: 5_000,
  restartRedisAfterMs: 12_000,
  timeoutMs: 600_000,
  waitsForClients: true,
}
/** Enough load to reveal a weakness. */
const smallSize: Size = {
  ...fullSize,
  jobs: 60,
  steps: 60,
  spreadMs: 4_000,
  largeJobs: 3,
  watchers: 16,
  readers: 2,
  lists: 0,
  lateMs: 1_000,
  veryLateMs: 2_000,
  killServerAfterMs: 0,
  restartRedisAfterMs: 0,
  timeoutMs: 5_000,
}
const rounds = process.env.CHAOS === 'long' ? 3 : 1
const endlessJobs = 3

describe.each(Array.from({ length: rounds }, (_, i) => i + 1))('round %i', (round) => {
  test('60 clients see 200 jobs completely despite faults of servers, connections and Redis', async () => {
    const { observed, findings, figures } = await deliver(fullSize, {})
    printResult(`delivery ${round}`, figures)
    expect(observed.problems.slice(0, 20)).toEqual([])
    expect({
      missing: observed.missing,
      duplicated: observed.duplicated,
      wrongEndings: findings.wrongEndings,
    }).toEqual({
      missing: 0,
      duplicated: 0,
      wrongEndings: 0,
    })
    expect(findings.events).toBeGreaterThan(30_000)
    for (const [counter, count] of Object.entries(figures)) {
      if (/kills|cuts|pauses|unresponsive|servers|redis|replays|snapshots|resyncs/.test(counter))
        expect(count, counter).toBeGreaterThan(0)
    }
  })
})

describe('a weakened delivery fails under the same faults', () => {
  test('without a position check, clients never see some endings', async () => {
    for (;;) {
      const { findings, figures, resubscribed } = await deliver(
        smallSize,
        weakened('no position check'),
      )
      printResult('delivery without a position check', figures)
      // A client that lost its connection near the end made its server resubscribe. Clients may
      // then see the endings, and this round proves nothing.
      if (resubscribed) continue
      expect(findings.wrongEndings).toBeGreaterThan(0)
      break
    }
  })

  test('with pub/sub alone, clients miss events', async () => {
    // Its servers never answer a watch on an unresponsive subscriber: some clients never watch.
    const size = { ...smallSize, waitsForClients: false }
    const { observed, findings, figures } = await deliver(size, weakened('plain pub/sub'))
    printResult('delivery with pub/sub alone', figures)
    expect(observed.missing).toBeGreaterThan(0)
    expect(findings.wrongEndings).toBeGreaterThan(0)
  })
})

const weakened = (weakness: string): Pick<ChaosEnvironmentOptions, 'server'> => ({
  server: { program: 'test/chaos/weak-server.ts', variables: { WEAKNESS: weakness } },
})

/** Runs the load under faults with all clients watching, and then judges what they have seen. */
async function deliver(size: Size, { server }: Pick<ChaosEnvironmentOptions, 'server'>) {
  const startedAt = performance.now()
  const environment = await openChaosEnvironment({
    servers: 2,
    users: size.owners,
    admins: 2,
    halfOpen: true,
    ...(server ? { server } : {}),
  })
  const plans = planJobs(
    size,
    environment.users.map(({ userId }) => userId),
  )
  const load = openLoad(plans, environment.variables)
  const observed = emptyObservations()
  const closed = new AbortController()
  try {
    const clients = openClients(size, plans, {
      environment,
      observed,
      closed: closed.signal,
      created: load.created,
    })
    const stopFaults = new AbortController()
    const injecting = injectFaults(
      {
        environment,
        load,
        connections: clients.connections,
        signal: stopFaults.signal,
        allWatching: size.waitsForClients ? clients.allWatching : async () => {},
      },
      size,
    )
    const running = load.run()
    await load.ended(0.9)
    await load.startEndlessJobs(endlessJobs, environment.users[0]?.userId ?? '')
    stopFaults.abort()
    const faults = await injecting
    load.releaseHeldJobs()
    await running
    await Promise.race([
      Promise.all(clients.views.map(({ finished }) => finished)),
      delay(size.timeoutMs, null, { signal: closed.signal }).catch(() => null),
    ])
    const resubscribed = environment.proxy !== null && environment.proxy.responsiveSubscribers() > 0
    const findings = await judgeViews(plans, clients.views, load, observed)
    for (const list of clients.lists) await judgeList(list)
    const { problems, ...observedCounts } = observed
    const seconds = Math.round((performance.now() - startedAt) / 100) / 10
    return {
      observed,
      findings,
      resubscribed,
      figures: { ...findings, ...observedCounts, ...faults, problems: problems.length, seconds },
    }
  } finally {
    closed.abort()
    await load.close()
    await environment.close()
  }
}

interface ClientsDeps {
  environment: ChaosEnvironment
  observed: Observations
  closed: AbortSignal
  /** Resolves when the job is created. */
  created(id: string): Promise<void>
}

/** Opens all clients, half of them on each server. Users watch their own jobs, admins any. */
function openClients(
  size: Size,
  plans: readonly Plan[],
  { environment, observed, closed, created }: ClientsDeps,
) {
  const views: JobView[] = []
  const connections: ClientConnection[] = []
  /** Clients that have yet to start watching, or to unwatch briefly. */
  const pendingClients: Promise<void>[] = []
  const url = (i: number) => environment.urls[i % environment.urls.length] ?? ''
  const userAt = (i: number): ChaosUser => {
    const allUsers = [...environment.users, ...environment.admins]
    const user = allUsers[i % allUsers.length]
    if (!user) throw new Error('The environment has no users')
    return user
  }
  /** Picks some of the jobs that a client may see; the selection differs between clients. */
  function jobsFor({ userId }: ChaosUser, i: number, count: number): Plan[] {
    const visible = environment.admins.some((admin) => admin.userId === userId)
      ? plans
      : plans.filter((plan) => plan.userId === userId)
    return Array.from(
      { length: Math.min(count, visible.length) },
      (_, k) => visible[(i * 7 + k) % visible.length],
    ).filter((plan) => plan !== undefined)
  }
  function openView(plan: Plan, owner: string, user: ChaosUser, at: string): JobView {
    const view = new JobView(plan.id, { observed, owner, requestRows: rowReader(user, at, closed) })
    views.push(view)
    return view
  }

  for (let i = 0; i < size.watchers; i++) {
    const user = userAt(i)
    const watcher = openWatcher(user, url(i), observed)
    connections.push(watcher.connection)
    for (const [k, plan] of jobsFor(user, i, size.jobsPerWatcher).entries()) {
      const view = openView(plan, `watcher ${i}`, user, url(i))
      const lateMs = (i + k) % 5 === 0 ? size.lateMs : (i + k) % 23 === 0 ? size.veryLateMs : 0
      const watching = created(plan.id).then(async () => {
        await delay(lateMs)
        watcher.watch(view, (i + k) % 3 === 0)
        if ((i + k) % 6 !== 1) return
        await delay(1_500)
        watcher.unwatchBriefly(view)
      })
      pendingClients.push(watching)
    }
  }
  for (let i = 0; i < size.readers; i++) {
    const user = userAt(i)
    for (const plan of jobsFor(user, i + 3, size.jobsPerReader)) {
      const view = openView(plan, `reader ${i}`, user, url(i))
      const reading = created(plan.id).then(
        () => void connections.push(readEvents(view, user, url(i), observed)),
      )
      pendingClients.push(reading)
    }
  }
  const lists = Array.from({ length: size.lists }, (_, i) => {
    const admin = environment.admins[i - size.owners]
    if (admin)
      return openListViewer(admin, url(i), {
        list: 'feed',
        filter: i === size.owners ? { state: 'running' } : {},
      })
    return openListViewer(userAt(i), url(i), { list: 'jobs' })
  })
  connections.push(...lists.map(({ connection }) => connection))
  closed.addEventListener('abort', () => {
    for (const connection of connections) connection.close()
  })
  /** Resolves when every client watches each of its jobs that has not ended. */
  async function allWatching(): Promise<void> {
    await Promise.all(pendingClients)
    while (views.some((view) => !view.ended && view.watchState !== 'watching')) await delay(50)
  }
  return { views, connections, lists, allWatching }
}

function printResult(name: string, figures: Record<string, number>): void {
  const parts = Object.entries(figures).map(([counter, count]) => `${counter} ${count}`)
  process.stdout.write(`chaos, ${name}: ${parts.join(', ')}\n`)
}
