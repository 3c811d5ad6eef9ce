import type { BadRow } from '../../source.ts'
import type { SourceFile } from '../source-files.ts'
import type { Stretch } from './unpacked-file.ts'
import { beginsRecord, type Content, openContent, recordStart } from './warc-content.ts'

export interface WarcRecord {
  /** Where it stands, for people: `crawl.warc.gz, record at byte 1,204`. */
  place: string
  /** By name in lower case. */
  fields: Map<string, string>
  /** At most so much as was asked for. */
  block: Buffer
}

export interface RecordLimits {
  /** Of a record's block that is handed on; the rest is passed over. */
  blockBytes: number
}

const maxHeaderBytes = 64 * 1024
const endsWell = /^(\r\n\r\n|\n\n|\r?\n?WARC\/|\r?\n?$)/

/**
 * The records of a WARC file (1.0, 1.1 and earlier drafts), and what stands between them that is
 * none. After anything bad it goes on at the next place where a record begins: a gzip member, or a
 * line, that begins with `WARC/`. Memory: a block and one stretch.
 */
export async function* warcRecords(
  stretches: AsyncIterable<Stretch>,
  file: Pick<SourceFile, 'shown' | 'bytes'>,
  { blockBytes }: RecordLimits,
): AsyncGenerator<{ record: WarcRecord } | { bad: BadRow }> {
  const content = openContent(stretches)
  try {
    yield* recordsOf(content, file, blockBytes)
  } finally {
    await content.close()
  }
}

async function* recordsOf(
  content: Content,
  file: Pick<SourceFile, 'shown' | 'bytes'>,
  blockBytes: number,
): AsyncGenerator<{ record: WarcRecord } | { bad: BadRow }> {
  const placeOf = (at: string) => `${file.shown}, record at ${at}`
  const bad = (at: string, reason: string) => ({ bad: { place: placeOf(at), reason } })

  while (await content.begin()) {
    const at = content.place()
    const held = await content.hold(recordStart.length)
    if (!beginsRecord(held)) {
      const cut = held.length < recordStart.length ? await content.whyCut() : null
      yield bad(at, cut ?? 'there is something that is no record')
      await content.findRecord(0)
      continue
    }
    const header = await readHeader(content)
    if ('reason' in header) {
      yield bad(at, header.reason)
      await content.findRecord(header.searchFrom ?? recordStart.length)
      continue
    }
    const { length, blockLength, fields } = header
    const plainOffset = content.plainOffset()
    if (plainOffset !== null && plainOffset + length + blockLength > file.bytes) {
      yield bad(at, 'the file ends before its Content-Length does')
      await content.findRecord(length)
      continue
    }
    const kept = Math.min(blockLength, blockBytes)
    const block = (await content.hold(length + kept)).subarray(length, length + kept)
    if (block.length < kept) {
      yield bad(
        at,
        (await content.whyCut()) ??
          'its Content-Length is wrong: the next record begins before it ends',
      )
      await content.findRecord(length)
      continue
    }
    if (blockLength > kept && !(await content.drop(length + blockLength))) {
      yield bad(
        at,
        (await content.whyCut()) ??
          'its Content-Length is wrong: the next record begins before it ends',
      )
      await content.findRecord(0)
      continue
    }
    // Of a block that was too long to be kept nothing is held any more, and its beginning can't be
    // searched again.
    const end = blockLength > kept ? 0 : length + kept
    const after = (await content.hold(end + 8)).toString('latin1', end, end + 8)
    if (!endsWell.test(after)) {
      yield bad(at, 'its Content-Length is wrong: it goes on where it should end')
      await content.findRecord(end === 0 ? 0 : length)
      continue
    }
    await content.drop(end)
    yield { record: { place: placeOf(at), fields, block } }
  }
}

type Header =
  | { length: number; blockLength: number; fields: Map<string, string> }
  | { reason: string; searchFrom?: number }

async function readHeader(content: Content): Promise<Header> {
  let held = await content.hold(recordStart.length)
  let length = headerLength(held)
  for (
    let before = 0;
    length === null && held.length > before && held.length < maxHeaderBytes;
    length = headerLength(held)
  ) {
    before = held.length
    held = await content.hold(held.length + 1)
  }
  if (length === null && held.length >= maxHeaderBytes) {
    // Of the records that begin within it none but the last can have a header that ends.
    const last = held.lastIndexOf('\nWARC/', maxHeaderBytes)
    return {
      reason: 'its header is longer than 64 KiB',
      searchFrom: last < 0 ? maxHeaderBytes : last + 1,
    }
  }
  if (length === null) return { reason: (await content.whyCut()) ?? 'its header does not end' }
  const lines = held.toString('utf8', 0, length).split(/\r?\n/)
  if (!/^WARC\/\d+\.\d+\s*$/.test(lines[0] ?? ''))
    return { reason: 'its first line names no version of WARC' }
  const { fields, odd } = readFields(lines.slice(1))
  if (odd) return { reason: 'its header has a line that is no field' }
  const written = fields.get('content-length') ?? ''
  if (!/^\d{1,15}$/.test(written))
    return { reason: written ? 'its Content-Length is no number' : 'it has no Content-Length' }
  if (!fields.get('warc-type')) return { reason: 'it has no WARC-Type' }
  return { length, blockLength: Number(written), fields }
}

/** Up to and with the empty line; null where there is none yet. */
export function headerLength(bytes: Buffer): number | null {
  const first = bytes.subarray(0, maxHeaderBytes)
  const strict = first.indexOf('\r\n\r\n')
  const bare = first.subarray(0, strict < 0 ? first.length : strict).indexOf('\n\n')
  if (bare >= 0) return bare + 2
  return strict < 0 ? null : strict + 4
}

/**
 * `Name: value`, values that go on in the next line joined; the first of a name counts. `odd`:
 * there are lines that are neither.
 */
export function readFields(lines: string[]): { fields: Map<string, string>; odd: boolean } {
  const fields = new Map<string, string>()
  let odd = false
  let last = ''
  for (const line of lines) {
    if (line === '') continue
    if (/^[ \t]/.test(line) && last) {
      fields.set(last, `${fields.get(last)} ${line.trim()}`)
      continue
    }
    const colon = line.indexOf(':')
    if (colon < 1) {
      odd = true
      continue
    }
    last = line.slice(0, colon).trim().toLowerCase()
    if (!fields.has(last)) fields.set(last, line.slice(colon + 1).trim())
  }
  return { fields, odd }
}
