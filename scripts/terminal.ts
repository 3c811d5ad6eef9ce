import type { Progress } from '#jobs/job.ts'

const barWidth = 24

/** Shows progress on one line that overwrites itself; does nothing if stderr is not a terminal. */
export function showProgress({ phase, done, total, unit }: Progress): void {
  if (!process.stderr.isTTY) return
  const filled = total ? Math.round((done / total) * barWidth) : 0
  const bar = total ? `[${'█'.repeat(filled)}${'░'.repeat(barWidth - filled)}] ` : ''
  process.stderr.write(
    `\r\x1b[K${bar}${phase}: ${done}${total === null ? '' : ` of ${total}`} ${unit}`,
  )
}

/** Prints to stderr, over the progress line if there is one. */
export function printStatus(text: string): void {
  process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${text}` : text)
}
