/** Makes untrusted text fit into a message: one line, shortened, no control characters. */
export function shown(text: string, maxLength = 60): string {
  const plain = text.replace(/\p{C}+/gu, ' ').trim()
  return plain.length > maxLength ? `${plain.slice(0, maxLength)}…` : plain
}
