/**
 * Digits of other scripts by the digit that they mean: every decimal system that Unicode's locale
 * data knows.
 */
const digits = new Map<string, string>()
for (const system of Intl.supportedValuesOf('numberingSystem')) {
  const written = [
    ...new Intl.NumberFormat(`en-u-nu-${system}`, { useGrouping: false }).format(9876543210),
  ]
  for (const [at, sign] of written.entries())
    if (/\p{Nd}/u.test(sign)) digits.set(sign, String(9 - at))
}

const grouped = /^\d{1,3}([.,٬،'’ ])(?:\d{2,3}\1)*\d{3}$/

/** The text with ASCII digits, plain spaces and no marks of writing direction. */
export function withPlainDigits(text: string): string {
  if (/^[\d.,%]*$/.test(text)) return text
  const plain = text.normalize('NFKC').replace(/\p{Cf}/gu, '')
  return plain.replace(/\p{Nd}/gu, (sign) => digits.get(sign) ?? sign).trim()
}

/**
 * A whole number as any locale groups it: `1,240`, `1.240`, `1 240`, `1,00,000`, `١٬٢٤٠`. null for
 * anything else.
 */
export function readCount(text: string): number | null {
  const plain = withPlainDigits(text)
  const whole = grouped.test(plain) ? plain.replace(/\D/g, '') : plain
  const value = /^\d+$/.test(whole) ? Number(whole) : Number.NaN
  return Number.isSafeInteger(value) ? value : null
}

/**
 * A decimal number as any locale writes it. Of two kinds of signs the last is the decimal one; a
 * sign that stands alone is.
 */
export function readDecimal(text: string): number | null {
  const plain = withPlainDigits(text)
  const at = Math.max(plain.lastIndexOf('.'), plain.lastIndexOf(','), plain.lastIndexOf('٫'))
  const mark = plain[at]
  // Written twice, it parts thousands.
  if (mark === undefined || plain.indexOf(mark) !== at) return readCount(plain)
  const whole = readCount(plain.slice(0, at))
  const fraction = plain.slice(at + 1)
  return whole === null || !/^\d+$/.test(fraction) ? null : Number(`${whole}.${fraction}`)
}

/** `3.5%`, `3,5 %`, `%3,5`, `٣٫٥٪`, `<1%`, or the share itself, `0.035`. @returns 0…1, or null. */
export function readShare(text: string): number | null {
  const plain = withPlainDigits(text)
  const bare = plain.replace(/[%٪<\s]/g, '')
  const value = readDecimal(bare)
  if (value === null) return null
  const share = /[%٪]/.test(plain) ? value / 100 : value
  return share <= 1 ? share : null
}
