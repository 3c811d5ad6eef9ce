import type { BadRow } from '../source-item.ts'
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
 * The records of a WARC file (1.0, 1.1 and earlier drafts), and what stands between them that is none. After anything bad it goes on at the next place where
 * a record begins: a gzip member, or a line, that begins with `WARC/`. Memory: a block and one stretch.
 * @param file its name, for people
 */
export async function* warcRecords(
  stretches: AsyncIterable<Stretch>,
  file: string,
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
  file: string,
  blockBytes: number,
): AsyncGenerator<{ record: WarcRecord } | { bad: BadRow }> {
  const bad = (at: string, reason: string) => ({ bad: { place: `${file}, record at ${at}`, reason } })

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
      await content.findRecord(recordStart.length)
      continue
    }
    const kept = Math.min(header.blockLength, blockBytes)
    const block = (await content.hold(header.length + kept)).subarray(header.length, header.length + kept)
    // Beyond what is kept nothing can be read again: a wrong length is then found out only behind it.
    const searchedFrom = header.blockLength === kept ? header.length : 0
    const whole =
      block.length === kept && (header.blockLength === kept || (await content.drop(header.length + header.blockLength)))
    if (!whole) {
      yield bad(at, (await content.whyCut()) ?? 'its Content-Length is wrong: the next record begins before it ends')
      await content.findRecord(searchedFrom)
      continue
    }
    const end = header.blockLength === kept ? header.length + kept : 0
    const after = (await content.hold(end + 8)).toString('latin1', end, end + 8)
    if (!endsWell.test(after)) {
      yield bad(at, 'its Content-Length is wrong: it goes on where it should end')
      await content.findRecord(searchedFrom)
      continue
    }
    await content.drop(end)
    yield { record: { place: `${file}, record at ${at}`, fields: header.fields, block } }
  }
}

type Header = { length: number; blockLength: number; fields: Map<string, string> } | { reason: string }

async function readHeader(content: Content): Promise<Header> {
  let held = await content.hold(recordStart.length)
  let length = headerLength(held)
  for (let before = 0; length === null && held.length > before && held.length < maxHeaderBytes; length = headerLength(held)) {
    before = held.length
    held = await content.hold(held.length + 1)
  }
  if (length === null && held.length >= maxHeaderBytes) return { reason: 'its header is longer than 64 KiB' }
  if (length === null) return { reason: (await content.whyCut()) ?? 'its header does not end' }
  const lines = held.toString('utf8', 0, length).split(/\r?\n/)
  if (!/^WARC\/\d+\.\d+\s*$/.test(lines[0] ?? '')) return { reason: 'its first line names no version of WARC' }
  const { fields, odd } = readFields(lines.slice(1))
  if (odd) return { reason: 'its header has a line that is no field' }
  const written = fields.get('content-length') ?? ''
  if (!/^\d{1,15}$/.test(written)) return { reason: written ? 'its Content-Length is no number' : 'it has no Content-Length' }
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

/** `Name: value`, values that go on in the next line joined; the first of a name counts. `odd`: there are lines that are neither. */
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
