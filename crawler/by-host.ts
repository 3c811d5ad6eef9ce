/**
 * Runs tasks, one at a time per host and several hosts at once. Yields results as tasks finish, and
 * asks for the next tasks then. Ends when no task runs and `next` has none.
 */
export async function* byHost<Task extends { host: string }, Result>(
  next: (isBusy: (host: string) => boolean) => Task | null,
  run: (task: Task) => Promise<Result>,
  { hostsAtOnce }: { hostsAtOnce: number },
): AsyncGenerator<Result> {
  const running = new Map<string, Promise<{ host: string; result: Result }>>()
  for (;;) {
    while (running.size < hostsAtOnce) {
      const task = next((host) => running.has(host))
      if (!task) break
      const { host } = task
      const finished = run(task).then((result) => ({ host, result }))
      // If the consumer stops iterating, closing the connections rejects this promise unobserved.
      finished.catch(() => {})
      running.set(host, finished)
    }
    if (running.size === 0) return
    const { host, result } = await Promise.race(running.values())
    running.delete(host)
    yield result
  }
}
