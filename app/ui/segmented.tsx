/**
 * One of a few, all of them in sight. Radio buttons underneath: arrow keys work, and so do forms.
 */
export function Segmented({
  legend,
  name,
  options,
  value,
  initial,
  onChange,
  describedBy,
}: {
  /** For screen readers; what is seen stands beside it. */
  legend: string
  name: string
  options: { value: string; label: string }[]
  /** With it, the page keeps the choice; without, the form does, from `initial` on. */
  value?: string
  initial?: string
  onChange?(value: string): void
  describedBy?: string | undefined
}) {
  return (
    <fieldset
      aria-describedby={describedBy}
      className="inline-flex max-w-full rounded-[8px] bg-sunken p-[3px] ring-1 ring-line ring-inset"
    >
      <legend className="sr-only">{legend}</legend>
      {options.map((option) => (
        <label
          key={option.value}
          className="relative flex h-7 items-center rounded-[6px] px-2.5 text-sm whitespace-nowrap text-ink-2 hover:text-ink has-checked:bg-chosen has-checked:font-medium has-checked:text-ink has-checked:shadow-[0_0_0_1px_var(--line-strong)] has-focus-visible:outline-2 has-focus-visible:outline-accent-solid"
        >
          <input
            type="radio"
            name={name}
            value={option.value}
            className="absolute inset-0 cursor-pointer appearance-none opacity-0"
            {...(value === undefined
              ? { defaultChecked: option.value === initial }
              : { checked: option.value === value })}
            onChange={() => onChange?.(option.value)}
          />
          {option.label}
        </label>
      ))}
    </fieldset>
  )
}
