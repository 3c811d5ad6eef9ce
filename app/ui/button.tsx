import type { ComponentProps } from 'react'

const base =
  'inline-flex items-center justify-center gap-1.5 rounded-[7px] font-medium whitespace-nowrap select-none transition-colors disabled:opacity-55 [&_svg]:shrink-0'
const kinds = {
  solid: 'bg-solid text-on-solid enabled:hover:bg-solid-hover',
  plain: 'border border-line-strong bg-surface text-ink enabled:hover:bg-hover',
  quiet: 'text-ink-2 enabled:hover:bg-hover enabled:hover:text-ink',
  danger: 'bg-bad text-canvas enabled:hover:opacity-90',
}
const sizes = {
  small: 'h-7 px-2.5 text-sm',
  medium: 'h-[34px] px-3 text-sm',
  large: 'h-10 px-5 text-base',
}

interface Look {
  kind?: keyof typeof kinds
  size?: keyof typeof sizes
}

/** Button classes for links that look like buttons. */
export function buttonLook({ kind = 'plain', size = 'medium' }: Look = {}): string {
  return `${base} ${kinds[kind].replaceAll('enabled:', '')} ${sizes[size]}`
}

export function Button({
  kind = 'plain',
  size = 'medium',
  className = '',
  ...props
}: ComponentProps<'button'> & Look) {
  return (
    <button
      type="button"
      {...props}
      className={`${base} ${kinds[kind]} ${sizes[size]} ${className}`}
    />
  )
}
