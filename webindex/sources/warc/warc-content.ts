import type { Stretch } from './unpacked-file.ts'

export const recordStart = Buffer.from('WARC/')

export function beginsRecord(bytes: Buffer): boolean {
  return bytes.subarray(0, recordStart.length).equals(recordStart)
}

export interface Content {
  /** To the first byte that is no line break. @returns false at the end. */
  begin(): Promise<boolean>
  /** Where the next byte stands, for people. */
  place(): string
  /** Of the next byte in its file; null where the file is packed. */
  plainOffset(): number | null
  /** @returns all that is held, with at least `length` bytes unless what is begun ends before. */
  hold(length: number): Promise<Buffer>
  /** @returns false when what is begun ended before so many bytes. */
  drop(length: number): Promise<boolean>
  /** Why `hold` came back with less; null when it is because the next record begins. */
  whyCut(): Promise<string | null>
  /**
   * To the next line or member that begins like a record, from the byte `from` of what is held on;
   * or to the end.
   */
  findRecord(from: number): Promise<void>
  /** Closes the file behind it. */
  close(): Promise<void>
}

/**
 * The stretches of a file as one text that is read from its beginning. Records may lie across
 * stretches, but a gzip member that begins like a record ends whatever came before it. Nothing is
 * copied where a stretch holds whole records.
 */
export function openContent(stretches: AsyncIterable<Stretch>): Content {
  const source = stretches[Symbol.asyncIterator]()
  let next: Stretch | null = null
  let ended = false
  let held: Buffer = Buffer.alloc(0)
  /** Of the first byte that is held, in the whole text. */
  let offset = 0
  /** The member that holds that byte, and those that begin behind it. */
  let members: { offset: number; at: number }[] = []

  async function peek(): Promise<Stretch | null> {
    if (next || ended) return next
    const result = await source.next()
    if (result.done) ended = true
    else next = result.value
    return next
  }

  function take(stretch: Stretch & { state: 'read' }, at: number): Buffer {
    if (stretch.member !== null) members.push({ offset: at, at: stretch.member })
    next = null
    return stretch.bytes
  }

  function consume(length: number) {
    held = held.subarray(length)
    offset += length
    while (members[1] && members[1].offset <= offset) members = members.slice(1)
  }

  async function hold(length: number): Promise<Buffer> {
    if (held.length >= length) return held
    const parts = held.length > 0 ? [held] : []
    let size = held.length
    while (size < length) {
      const stretch = await peek()
      if (stretch?.state !== 'read' || endsWhatWasBefore(stretch)) break
      const bytes = take(stretch, offset + size)
      parts.push(bytes)
      size += bytes.length
    }
    const [first] = parts
    held = first && parts.length === 1 ? first : Buffer.concat(parts, size)
    return held
  }

  return {
    async begin() {
      for (;;) {
        let breaks = 0
        while (held[breaks] === 0x0d || held[breaks] === 0x0a) breaks++
        consume(breaks)
        if (held.length > 0) return true
        const stretch = await peek()
        if (stretch?.state !== 'read') return stretch !== null
        held = take(stretch, offset)
        consume(0)
      }
    },

    place() {
      const [member] = members
      if (held.length === 0 && next?.state === 'broken')
        return `byte ${next.at.toLocaleString('en')}`
      if (member?.offset === offset) return `byte ${member.at.toLocaleString('en')}`
      return `byte ${offset.toLocaleString('en')}${member ? ' of what it unpacks to' : ''}`
    },

    plainOffset: () => (members.length > 0 ? null : offset),

    hold,

    async drop(length) {
      let left = length
      while (left > held.length) {
        left -= held.length
        consume(held.length)
        if ((await hold(1)).length === 0) return false
      }
      consume(left)
      return true
    },

    async whyCut() {
      const stretch = await peek()
      if (!stretch) return 'the file ends within it'
      if (stretch.state === 'read') return null
      next = null
      return stretch.reason
    },

    async findRecord(from) {
      if (from === 0 && beginsRecord(held)) return
      for (let searched = Math.max(0, from - 1); ; searched = 0) {
        const line = lineThatBeginsRecord(held, searched)
        if (line !== null) return consume(line)
        const stretch = await peek()
        if (stretch?.state === 'read' && !endsWhatWasBefore(stretch)) {
          consume(Math.max(0, held.length - recordStart.length)) // The line break and the first letters may be there already.
          const bytes = take(stretch, offset + held.length)
          held = Buffer.concat([held, bytes])
          continue
        }
        consume(held.length)
        if (stretch?.state !== 'broken') return
        next = null // It was lost before: one place is told, not each of those at which the file breaks off after it.
      }
    },

    async close() {
      await source.return?.()
    },
  }
}

function endsWhatWasBefore(stretch: Stretch & { state: 'read' }): boolean {
  return stretch.member !== null && beginsRecord(stretch.bytes)
}

function lineThatBeginsRecord(bytes: Buffer, from: number): number | null {
  for (let at = bytes.indexOf('\nWARC/', from); at >= 0; at = bytes.indexOf('\nWARC/', at + 1)) {
    const version = bytes.toString('latin1', at + 6, at + 9)
    if (version.length < 3 || /^\d\.\d/.test(version)) return at + 1
  }
  return null
}
