import type { ReactNode } from 'react'

/** A page with only a message: not found, forbidden or failed. */
export function MessagePage({
  title,
  children,
  action,
}: {
  title: string
  children: ReactNode
  action?: ReactNode
}) {
  return (
    <div className="mx-auto flex max-w-md flex-col items-start px-4 pt-[18vh] pb-16">
      <h1 className="text-xl font-semibold">{title}</h1>
      <p className="mt-2 text-ink-2">{children}</p>
      {action ? <div className="mt-6 flex gap-2">{action}</div> : null}
    </div>
  )
}
