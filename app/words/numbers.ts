const integers = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })
const decimals = new Intl.NumberFormat('en', { maximumFractionDigits: 2 })

/** 12345 → "12,345" */
export function count(value: number): string {
  return integers.format(value)
}

export function decimal(value: number): string {
  return decimals.format(value)
}

/** (1, 'row') → "1 row", (2, 'row') → "2 rows" */
export function plural(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? '' : 's'}`
}
