/**
 * Runs a program in two steps, so that `npm run dev` restarts it sooner: it loads packages ahead of
 * time, which takes longest, and our own files, which change, when it is to run.
 *
 * `node --import tsx standby.ts <file>` takes `StandbyMessage`s over IPC.
 */
import { pathToFileURL } from 'node:url'
import { z } from 'zod'

const StandbyMessage = z.discriminatedUnion('type', [
  z.object({ type: z.literal('load'), urls: z.array(z.string()) }),
  z.object({ type: z.literal('run'), env: z.record(z.string(), z.string().optional()) }),
])
export type StandbyMessage = z.infer<typeof StandbyMessage>

let loading: Promise<unknown> = Promise.resolve()

async function take(message: unknown): Promise<void> {
  const order = StandbyMessage.parse(message)
  if (order.type === 'load') {
    // A package that can't be loaded fails again, and is reported, where the program imports it.
    loading = Promise.allSettled(order.urls.map((url) => import(url)))
    return
  }
  await loading
  process.off('message', take).off('disconnect', exit)
  Object.assign(process.env, order.env)
  await import(pathToFileURL(process.argv[2] ?? '').href)
  // It makes Node report each import over IPC; programs that this one starts must not inherit it.
  delete process.env.WATCH_REPORT_DEPENDENCIES
}

function exit(): void {
  process.exit(0)
}

process.on('message', take).on('disconnect', exit)
