/** A file is not what it was said to be, or is damaged; nothing of it is kept. */
export class UnreadableImport extends Error {
  /** Its name as people know it, without folders outside the import. */
  readonly file: string
  constructor(file: string, reason: string, options?: ErrorOptions) {
    super(`${file} can't be imported: ${reason}.`, options)
    this.name = 'UnreadableImport'
    this.file = file
  }
}

/** What was asked for makes no sense, whatever the files hold. */
export class InvalidImport extends Error {
  /** Which option: `property`, `targets`. */
  readonly option: string
  constructor(option: string, reason: string) {
    super(reason)
    this.name = 'InvalidImport'
    this.option = option
  }
}

/** Names come from strangers' archives: for a message they are short and of one line. */
export function shown(text: string, longest = 60): string {
  const plain = text.replace(/\p{C}+/gu, ' ').trim()
  return plain.length > longest ? `${plain.slice(0, longest)}…` : plain
}
