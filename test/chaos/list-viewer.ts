import { z } from 'zod'
import { Job } from '#jobs/job.ts'
import type { ChaosUser } from './chaos-environment.ts'
import { openSocket } from './viewer.ts'

const Counts = z.record(z.string(), z.number())
const Opened = z.object({ jobs: z.array(Job), counts: Counts.optional() })
const Changed = z.object({
  changed: z.array(Job),
  removed: z.array(z.string()),
  counts: Counts.optional(),
})

export type ListKind = { list: 'jobs' } | { list: 'feed'; filter: { state?: 'running' } }

/** A client with a live list: a user's own jobs, or all jobs for an admin. */
export function openListViewer(user: ChaosUser, url: string, kind: ListKind) {
  const { socket, connection } = openSocket(user, url)
  let jobs = new Map<string, Job>()
  let counts: z.infer<typeof Counts> | undefined

  /** Ignores a summary older than the one in the list. */
  function take(job: Job): void {
    const known = jobs.get(job.id)
    if (!known || known.epoch !== job.epoch || known.seq <= job.seq) jobs.set(job.id, job)
  }
  function open(): void {
    const socketId = socket.id
    jobs = new Map()
    socket.emit(
      `${kind.list}:open`,
      kind.list === 'feed' ? { filter: kind.filter } : {},
      (sent: unknown) => {
        const opened = Opened.safeParse(sent)
        if (!opened.success) return void setTimeout(() => socket.id === socketId && open(), 200)
        opened.data.jobs.forEach(take)
        counts = opened.data.counts ?? counts
      },
    )
  }
  socket.on('connect', open)
  socket.on(kind.list, (sent: unknown) => {
    const change = Changed.parse(sent)
    change.changed.forEach(take)
    for (const id of change.removed) jobs.delete(id)
    counts = change.counts ?? counts
  })

  return {
    connection,
    kind,
    user,
    url,
    /** Newest first. */
    jobs: () =>
      [...jobs.values()].sort((a, b) =>
        a.createdAt < b.createdAt || (a.createdAt === b.createdAt && a.id < b.id) ? 1 : -1,
      ),
    counts: () => counts,
  }
}

export type ListViewer = ReturnType<typeof openListViewer>
