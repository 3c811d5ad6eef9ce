/**
 * Runs a program in two steps, so that `npm run dev` restarts it faster: packages, which take longest
 * to load, are loaded ahead of time; this project's files, which change, only at the start.
 *
 * `node --import tsx standby.ts <file>` receives `StandbyMessage`s over IPC.
 */
import { pathToFileURL } from 'node:url'
import { z } from 'zod'

const StandbyMessage = z.discriminatedUnion('type', [
  z.object({ type: z.literal('load'), urls: z.array(z.string()) }),
  z.object({ type: z.literal('run'), env: z.record(z.string(), z.string().optional()) }),
])
export type StandbyMessage = z.infer<typeof StandbyMessage>

let loading: Promise<unknown> = Promise.resolve()

async function onMessage(message: unknown): Promise<void> {
  const command = StandbyMessage.parse(message)
  if (command.type === 'load') {
    // A package that fails to load fails again, and is reported, when the program imports it.
    loading = Promise.allSettled(command.urls.map((url) => import(url)))
    return
  }
  await loading
  process.off('message', onMessage).off('disconnect', exit)
  Object.assign(process.env, command.env)
  await import(pathToFileURL(process.argv[2] ?? '').href)
  // Child processes must not inherit it: it makes Node report each import over IPC.
  delete process.env.WATCH_REPORT_DEPENDENCIES
}

function exit(): void {
  process.exit(0)
}

process.on('message', onMessage).on('disconnect', exit)
