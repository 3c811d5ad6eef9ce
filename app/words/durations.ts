/** 840 → "0.8 s", 75,000 → "1 min 15 s", 3,700,000 → "1 h 1 min" */
export function duration(ms: number): string {
  const seconds = Math.max(0, ms) / 1000
  if (seconds < 10) return `${seconds.toFixed(1)} s`
  return wholeSeconds(ms)
}

/** Like {@link duration}, without tenths, for a clock that ticks once a second. */
export function wholeSeconds(ms: number): string {
  const seconds = Math.floor(Math.max(0, ms) / 1000)
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`
  const hours = Math.floor(minutes / 60)
  return hours < 24
    ? `${hours} h ${minutes % 60} min`
    : `${Math.floor(hours / 24)} d ${hours % 24} h`
}

/**
 * @param from ISO 8601, as is `to`
 * @returns milliseconds
 */
export function between(from: string, to: string): number {
  return Date.parse(to) - Date.parse(from)
}
