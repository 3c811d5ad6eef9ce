import { CircleAlert, Info } from 'lucide-react'
import type { ReactNode } from 'react'

const looks = {
  info: 'bg-accent-soft text-ink [&_svg]:text-accent',
  bad: 'bg-bad-soft text-ink [&_svg]:text-bad',
  quiet: 'bg-sunken text-ink-2 [&_svg]:text-ink-3',
}

/** A highlighted message: an error, or something the user should know. */
export function Notice({
  kind,
  urgent = false,
  children,
}: {
  kind: keyof typeof looks
  /** Screen readers read it at once. */
  urgent?: boolean
  children: ReactNode
}) {
  const Icon = kind === 'info' ? Info : CircleAlert
  return (
    <div
      role={urgent ? 'alert' : undefined}
      className={`flex gap-2.5 rounded-lg px-3 py-2.5 text-sm ${looks[kind]}`}
    >
      <Icon size={16} aria-hidden className="mt-0.5 shrink-0" />
      <div className="min-w-0 flex-1 break-words">{children}</div>
    </div>
  )
}
