import type { BadRow } from '../../source.ts'
import type { SourceFile } from '../files/source-files.ts'
import type { Chunk } from './unpacked-file.ts'
import { type Content, openContent, recordStart, startsRecord } from './warc-content.ts'

export interface WarcRecord {
  /** Where the record is, for people: `crawl.warc.gz, record at byte 1,204`. */
  place: string
  /** By lower-case name. */
  fields: Map<string, string>
  /** Cut at `RecordLimits.blockBytes`. */
  block: Buffer
}

export interface RecordLimits {
  /** How many bytes of a block to keep; the rest is skipped. */
  blockBytes: number
}

type RecordItem = { record: WarcRecord } | { bad: BadRow }

const maxHeaderBytes = 64 * 1024
const endOfRecord = /^(\r\n\r\n|\n\n|\r?\n?WARC\/|\r?\n?$)/

/**
 * The records of a WARC file (1.0, 1.1 and earlier drafts), and whatever else is found between
 * them. After damage, reading continues at the next gzip member or line that starts with `WARC/`.
 * Needs memory for one block and one chunk.
 */
export async function* warcRecords(
  chunks: AsyncIterable<Chunk>,
  file: Pick<SourceFile, 'shown' | 'bytes'>,
  { blockBytes }: RecordLimits,
): AsyncGenerator<RecordItem> {
  const content = openContent(chunks)
  try {
    while (await content.begin()) {
      const place = `${file.shown}, record at ${content.place()}`
      const reading = await readRecord(content, file.bytes, blockBytes)
      if ('reason' in reading) {
        yield { bad: { place, reason: reading.reason } }
        await content.findRecord(reading.searchFrom)
      } else yield { record: { place, ...reading } }
    }
  } finally {
    await content.close()
  }
}

/** `searchFrom`: the first held byte at which the next record may start. */
interface Damage {
  reason: string
  searchFrom: number
}

async function readRecord(
  content: Content,
  fileBytes: number,
  blockBytes: number,
): Promise<Pick<WarcRecord, 'fields' | 'block'> | Damage> {
  const held = await content.hold(recordStart.length)
  if (!startsRecord(held)) {
    const cut = held.length < recordStart.length ? await content.whyCut() : null
    return { reason: cut ?? 'this is not a WARC record', searchFrom: 0 }
  }
  const header = await readHeader(content)
  if ('reason' in header) return header
  const { length, blockLength, fields } = header
  const plainOffset = content.plainOffset()
  if (plainOffset !== null && plainOffset + length + blockLength > fileBytes)
    return { reason: 'the file ends before its Content-Length is reached', searchFrom: length }
  const kept = Math.min(blockLength, blockBytes)
  const block = (await content.hold(length + kept)).subarray(length, length + kept)
  if (block.length < kept) return { reason: await whyShort(content), searchFrom: length }
  const isCut = blockLength > kept
  if (isCut && !(await content.drop(length + blockLength)))
    return { reason: await whyShort(content), searchFrom: 0 }
  // After a cut block no bytes of the record are held, so it can't be searched from its start
  // again.
  const end = isCut ? 0 : length + kept
  const after = (await content.hold(end + 8)).toString('latin1', end, end + 8)
  if (!endOfRecord.test(after))
    return {
      reason: 'its Content-Length is wrong: the record continues after it',
      searchFrom: isCut ? 0 : length,
    }
  await content.drop(end)
  return { fields, block }
}

async function whyShort(content: Content): Promise<string> {
  return (
    (await content.whyCut()) ?? 'its Content-Length is wrong: the next record starts before its end'
  )
}

interface Header {
  /** In bytes, including the empty line. */
  length: number
  blockLength: number
  fields: Map<string, string>
}

async function readHeader(content: Content): Promise<Header | Damage> {
  const damage = (reason: string): Damage => ({ reason, searchFrom: recordStart.length })
  const held = await holdHeader(content)
  const length = headerLength(held)
  if (length === null && held.length >= maxHeaderBytes) {
    // Of the records that start within these bytes, only the last can have a complete header.
    const last = held.lastIndexOf('\nWARC/', maxHeaderBytes)
    return {
      reason: 'its header is longer than 64 KiB',
      searchFrom: last < 0 ? maxHeaderBytes : last + 1,
    }
  }
  if (length === null) return damage((await content.whyCut()) ?? 'its header does not end')
  const [version = '', ...lines] = held.toString('utf8', 0, length).split(/\r?\n/)
  if (!/^WARC\/\d+\.\d+\s*$/.test(version)) return damage('its first line names no WARC version')
  const { fields, hasOtherLines } = readFields(lines)
  if (hasOtherLines) return damage('its header has a line that is not a field')
  const contentLength = fields.get('content-length')
  if (!contentLength) return damage('it has no Content-Length')
  if (!/^\d{1,15}$/.test(contentLength)) return damage('its Content-Length is not a number')
  if (!fields.get('warc-type')) return damage('it has no WARC-Type')
  return { length, blockLength: Number(contentLength), fields }
}

/** Holds bytes until a header is complete, too long, or cut off. */
async function holdHeader(content: Content): Promise<Buffer> {
  let held = await content.hold(recordStart.length)
  for (
    let before = 0;
    headerLength(held) === null && held.length > before && held.length < maxHeaderBytes;
  ) {
    before = held.length
    held = await content.hold(held.length + 1)
  }
  return held
}

/** The length including the empty line; null if the header does not end within `bytes`. */
export function headerLength(bytes: Buffer): number | null {
  const first = bytes.subarray(0, maxHeaderBytes)
  const strict = first.indexOf('\r\n\r\n')
  const bare = first.subarray(0, strict < 0 ? first.length : strict).indexOf('\n\n')
  if (bare >= 0) return bare + 2
  return strict < 0 ? null : strict + 4
}

/**
 * Parses `Name: value` lines and joins continuation lines. If a name is repeated, its first value
 * counts.
 */
export function readFields(lines: string[]): {
  fields: Map<string, string>
  hasOtherLines: boolean
} {
  const fields = new Map<string, string>()
  let hasOtherLines = false
  let last = ''
  for (const line of lines) {
    if (line === '') continue
    if (/^[ \t]/.test(line) && last) {
      fields.set(last, `${fields.get(last)} ${line.trim()}`)
      continue
    }
    const colon = line.indexOf(':')
    if (colon < 1) {
      hasOtherLines = true
      continue
    }
    last = line.slice(0, colon).trim().toLowerCase()
    if (!fields.has(last)) fields.set(last, line.slice(colon + 1).trim())
  }
  return { fields, hasOtherLines }
}
