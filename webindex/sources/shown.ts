/**
 * Text out of strangers' files, as it fits into a message: one line, not long, no signs that can't
 * be seen.
 */
export function shown(text: string, longest = 60): string {
  const plain = text.replace(/\p{C}+/gu, ' ').trim()
  return plain.length > longest ? `${plain.slice(0, longest)}…` : plain
}
