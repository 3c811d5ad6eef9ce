import type { Progress } from '#jobs/job.ts'

const barWidth = 24

/** One line that is written over again and again; only where somebody looks. */
export function showProgress({ phase, done, total, unit }: Progress): void {
  if (!process.stderr.isTTY) return
  const filled = total ? Math.round((done / total) * barWidth) : 0
  const bar = total ? `[${'█'.repeat(filled)}${'░'.repeat(barWidth - filled)}] ` : ''
  process.stderr.write(
    `\r\x1b[K${bar}${phase}: ${done}${total === null ? '' : ` of ${total}`} ${unit}`,
  )
}

export function tell(text: string): void {
  process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${text}` : text)
}
