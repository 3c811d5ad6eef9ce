import type { Chunk } from './unpacked-file.ts'

export type ReadChunk = Chunk & { state: 'read' }

/** The bytes of a file's content that have been read and not yet consumed. */
export interface HeldBytes {
  readonly bytes: Buffer
  /** Copies nothing if it is one chunk and no bytes are held. */
  append(chunks: ReadChunk[]): void
  consume(length: number): void
  /** Where the first held byte is, for people: `byte 1,204`. */
  place(): string
  /** Byte offset of the first held byte in its file; null if the file is compressed. */
  plainOffset(): number | null
}

export function heldBytes(): HeldBytes {
  let held: Buffer = Buffer.alloc(0)
  /** Of the first held byte within the whole content. */
  let offset = 0
  /** The gzip member that contains the first held byte, and the members that start after it. */
  let members: { offset: number; at: number }[] = []

  function dropPassedMembers() {
    while (members[1] && members[1].offset <= offset) members = members.slice(1)
  }

  return {
    get bytes() {
      return held
    },
    append(chunks) {
      const parts = held.length > 0 ? [held] : []
      let size = held.length
      for (const { bytes, member } of chunks) {
        if (member !== null) members.push({ offset: offset + size, at: member })
        parts.push(bytes)
        size += bytes.length
      }
      const [first] = parts
      held = first && parts.length === 1 ? first : Buffer.concat(parts, size)
      dropPassedMembers()
    },
    consume(length) {
      held = held.subarray(length)
      offset += length
      dropPassedMembers()
    },
    place() {
      const [member] = members
      if (member?.offset === offset) return `byte ${member.at.toLocaleString('en')}`
      return `byte ${offset.toLocaleString('en')}${member ? ' of the unpacked content' : ''}`
    },
    plainOffset: () => (members.length > 0 ? null : offset),
  }
}
