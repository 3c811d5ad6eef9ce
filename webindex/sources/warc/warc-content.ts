import { type HeldBytes, heldBytes, type ReadChunk } from './held-bytes.ts'
import type { Chunk } from './unpacked-file.ts'

export const recordStart = Buffer.from('WARC/')

export function startsRecord(bytes: Buffer): boolean {
  return bytes.subarray(0, recordStart.length).equals(recordStart)
}

/** The content of a file, read from start to end, with the next bytes held for inspection. */
export interface Content {
  /** Skips line breaks. @returns false at the end of the content. */
  begin(): Promise<boolean>
  /** Where the next byte is, for people: `byte 1,204`. */
  place(): string
  /** Byte offset of the next byte in its file; null if the file is compressed. */
  plainOffset(): number | null
  /**
   * @returns all held bytes: at least `length`, or fewer if the content breaks off or a member that
   * starts a record comes first.
   */
  hold(length: number): Promise<Buffer>
  /**
   * Skips bytes. @returns false if the content breaks off or a new record starts before `length`.
   */
  drop(length: number): Promise<boolean>
  /** Why `hold` or `drop` came short; null if the reason is the start of the next record. */
  whyCut(): Promise<string | null>
  /**
   * Skips to the next line or member that starts like a record, or to the end of the content.
   * @param from the first held byte to search.
   */
  findRecord(from: number): Promise<void>
  /** Closes the underlying file. */
  close(): Promise<void>
}

/**
 * Joins the chunks of a file. A record may span chunks, but a gzip member that starts like a record
 * ends the one before it. Copies no bytes while a chunk holds whole records.
 */
export function openContent(chunks: AsyncIterable<Chunk>): Content {
  const reader = { ahead: lookAhead(chunks), held: heldBytes() }
  return {
    begin: () => begin(reader),
    place() {
      const next = reader.ahead.peeked()
      return reader.held.bytes.length === 0 && next?.state === 'broken'
        ? `byte ${next.at.toLocaleString('en')}`
        : reader.held.place()
    },
    plainOffset: reader.held.plainOffset,
    hold: (length) => hold(reader, length),
    drop: (length) => drop(reader, length),
    whyCut: () => whyCut(reader),
    findRecord: (from) => findRecord(reader, from),
    close: reader.ahead.close,
  }
}

interface Reader {
  ahead: LookAhead
  held: HeldBytes
}

/** Reads chunks with a lookahead of one. */
interface LookAhead {
  /** Reads the next chunk, unless it has been peeked at; null at the end. */
  peek(): Promise<Chunk | null>
  /** The chunk that was peeked at and not yet skipped. */
  peeked(): Chunk | null
  skip(): void
  close(): Promise<void>
}

function lookAhead(chunks: AsyncIterable<Chunk>): LookAhead {
  const iterator = chunks[Symbol.asyncIterator]()
  let next: Chunk | null = null
  let ended = false
  return {
    async peek() {
      if (next || ended) return next
      const result = await iterator.next()
      if (result.done) ended = true
      else next = result.value
      return next
    },
    peeked: () => next,
    skip() {
      next = null
    },
    async close() {
      await iterator.return?.()
    },
  }
}

async function begin({ ahead, held }: Reader): Promise<boolean> {
  for (;;) {
    let breaks = 0
    while (held.bytes[breaks] === 0x0d || held.bytes[breaks] === 0x0a) breaks++
    held.consume(breaks)
    if (held.bytes.length > 0) return true
    const chunk = await ahead.peek()
    if (chunk?.state !== 'read') return chunk !== null
    ahead.skip()
    held.append([chunk])
  }
}

async function hold({ ahead, held }: Reader, length: number): Promise<Buffer> {
  if (held.bytes.length >= length) return held.bytes
  const more: ReadChunk[] = []
  for (let size = held.bytes.length; size < length; ) {
    const chunk = await ahead.peek()
    if (chunk?.state !== 'read' || endsRecord(chunk)) break
    ahead.skip()
    more.push(chunk)
    size += chunk.bytes.length
  }
  held.append(more)
  return held.bytes
}

async function drop(reader: Reader, length: number): Promise<boolean> {
  const { held } = reader
  let left = length
  while (left > held.bytes.length) {
    left -= held.bytes.length
    held.consume(held.bytes.length)
    if ((await hold(reader, 1)).length === 0) return false
  }
  held.consume(left)
  return true
}

async function whyCut({ ahead }: Reader): Promise<string | null> {
  const chunk = await ahead.peek()
  if (!chunk) return 'the file ends within it'
  if (chunk.state === 'read') return null
  ahead.skip()
  return chunk.reason
}

async function findRecord({ ahead, held }: Reader, from: number): Promise<void> {
  if (from === 0 && startsRecord(held.bytes)) return
  for (let searched = Math.max(0, from - 1); ; searched = 0) {
    const line = lineThatStartsRecord(held.bytes, searched)
    if (line !== null) return held.consume(line)
    const chunk = await ahead.peek()
    if (chunk?.state === 'read' && !endsRecord(chunk)) {
      // Keep the last bytes: a line break and the first letters of a record may be among them.
      held.consume(Math.max(0, held.bytes.length - recordStart.length))
      ahead.skip()
      held.append([chunk])
      continue
    }
    held.consume(held.bytes.length)
    if (chunk?.state !== 'broken') return
    // The search already follows damage, so report only the first of several breaks.
    ahead.skip()
  }
}

/** Whether a gzip member starts here that starts a new record. */
function endsRecord(chunk: ReadChunk): boolean {
  return chunk.member !== null && startsRecord(chunk.bytes)
}

function lineThatStartsRecord(bytes: Buffer, from: number): number | null {
  for (let at = bytes.indexOf('\nWARC/', from); at >= 0; at = bytes.indexOf('\nWARC/', at + 1)) {
    const version = bytes.toString('latin1', at + 6, at + 9)
    if (version.length < 3 || /^\d\.\d/.test(version)) return at + 1
  }
  return null
}
