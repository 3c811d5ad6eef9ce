import { z } from 'zod'
import { Job } from '#jobs/job.ts'
import type { ChaosUser } from './ground.ts'
import { openSocket } from './viewer.ts'

const Counts = z.record(z.string(), z.number())
const Opened = z.object({ jobs: z.array(Job), counts: Counts.optional() })
const Changed = z.object({
  changed: z.array(Job),
  removed: z.array(z.string()),
  counts: Counts.optional(),
})

export type ListKind = { list: 'jobs' } | { list: 'feed'; filter: { state?: 'running' } }

/** A client that keeps a live list: its own jobs, or as an admin everybody's. */
export function openListViewer(user: ChaosUser, url: string, kind: ListKind) {
  const { socket, wire } = openSocket(user, url)
  let jobs = new Map<string, Job>()
  let counts: z.infer<typeof Counts> | undefined

  /** A summary that is older than the one it has is dropped. */
  function take(job: Job): void {
    const known = jobs.get(job.id)
    if (!known || known.epoch !== job.epoch || known.seq <= job.seq) jobs.set(job.id, job)
  }
  function open(): void {
    const connection = socket.id
    jobs = new Map()
    socket.emit(
      `${kind.list}:open`,
      kind.list === 'feed' ? { filter: kind.filter } : {},
      (sent: unknown) => {
        const opened = Opened.safeParse(sent)
        if (!opened.success) return void setTimeout(() => socket.id === connection && open(), 200)
        opened.data.jobs.forEach(take)
        counts = opened.data.counts ?? counts
      },
    )
  }
  socket.on('connect', open)
  socket.on(kind.list, (sent: unknown) => {
    const told = Changed.parse(sent)
    told.changed.forEach(take)
    for (const id of told.removed) jobs.delete(id)
    counts = told.counts ?? counts
  })

  return {
    wire,
    kind,
    user,
    url,
    /** Newest first, as many as the list is promised to hold. */
    jobs: () =>
      [...jobs.values()].sort((a, b) =>
        a.createdAt < b.createdAt || (a.createdAt === b.createdAt && a.id < b.id) ? 1 : -1,
      ),
    counts: () => counts,
  }
}

export type ListViewer = ReturnType<typeof openListViewer>
