/**
 * Runs tasks, one at a time per host and several hosts at once, and yields what comes out as it is
 * through. It asks for further tasks whenever one is through; it ends when there are none and
 * nothing runs.
 */
export async function* byHost<Task extends { host: string }, Result>(
  next: (isBusy: (host: string) => boolean) => Task | null,
  run: (task: Task) => Promise<Result>,
  { atOnce }: { atOnce: number },
): AsyncGenerator<Result> {
  const running = new Map<string, Promise<{ host: string; result: Result }>>()
  for (;;) {
    while (running.size < atOnce) {
      const task = next((host) => running.has(host))
      if (!task) break
      const { host } = task
      const through = run(task).then((result) => ({ host, result }))
      // Where somebody stops listening, it still fails when its connections are closed.
      through.catch(() => {})
      running.set(host, through)
    }
    if (running.size === 0) return
    const { host, result } = await Promise.race(running.values())
    running.delete(host)
    yield result
  }
}
