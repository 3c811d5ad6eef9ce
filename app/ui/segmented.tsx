/** A choice of a few visible options. Built on radio buttons, so arrow keys and forms work. */
export function Segmented({
  legend,
  name,
  options,
  value,
  initial,
  onChange,
  describedBy,
}: {
  /** For screen readers. The visible label is separate. */
  legend: string
  name: string
  options: { value: string; label: string }[]
  /** If given, the component is controlled by the caller. */
  value?: string
  /** Otherwise the form keeps the choice; this is its first value. */
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
