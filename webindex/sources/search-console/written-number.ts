/** ASCII digits by the digits of other scripts, for every numbering system that ICU knows. */
const digits = new Map<string, string>()
for (const system of Intl.supportedValuesOf('numberingSystem')) {
  const format = new Intl.NumberFormat(`en-u-nu-${system}`, { useGrouping: false })
  for (const [at, digit] of [...format.format(9876543210)].entries())
    if (/\p{Nd}/u.test(digit)) digits.set(digit, String(9 - at))
}

const grouped = /^\d{1,3}([.,٬،'’ ])(?:\d{2,3}\1)*\d{3}$/

/** Converts to ASCII digits and plain spaces, and removes writing direction marks. */
export function withPlainDigits(text: string): string {
  if (/^[\d.,%]*$/.test(text)) return text
  const plain = text.normalize('NFKC').replace(/\p{Cf}/gu, '')
  return plain.replace(/\p{Nd}/gu, (digit) => digits.get(digit) ?? digit).trim()
}

/**
 * Reads a whole number with the grouping of any locale: `1,240`, `1.240`, `1 240`, `1,00,000`,
 * `١٬٢٤٠`. null for anything else.
 */
export function readCount(text: string): number | null {
  const plain = withPlainDigits(text)
  const whole = grouped.test(plain) ? plain.replace(/\D/g, '') : plain
  const value = /^\d+$/.test(whole) ? Number(whole) : Number.NaN
  return Number.isSafeInteger(value) ? value : null
}

/**
 * Reads a decimal number of any locale. The last separator is the decimal one, unless it occurs
 * twice. null for anything else.
 */
export function readDecimal(text: string): number | null {
  const plain = withPlainDigits(text)
  const at = Math.max(plain.lastIndexOf('.'), plain.lastIndexOf(','), plain.lastIndexOf('٫'))
  const separator = plain[at]
  // A separator that occurs twice separates thousands.
  if (separator === undefined || plain.indexOf(separator) !== at) return readCount(plain)
  const whole = readCount(plain.slice(0, at))
  const fraction = plain.slice(at + 1)
  return whole === null || !/^\d+$/.test(fraction) ? null : Number(`${whole}.${fraction}`)
}

/**
 * Reads `3.5%`, `3,5 %`, `%3,5`, `٣٫٥٪`, `<1%`, or a plain share, `0.035`. @returns 0…1, or null.
 */
export function readShare(text: string): number | null {
  const plain = withPlainDigits(text)
  const bare = plain.replace(/[%٪<\s]/g, '')
  const value = readDecimal(bare)
  if (value === null) return null
  const share = /[%٪]/.test(plain) ? value / 100 : value
  return share <= 1 ? share : null
}
