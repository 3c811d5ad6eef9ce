import { createEventLoopYield } from '../../pages/yield-to-event-loop.ts'
import type { Dataset, SourceItem, SourceKind } from '../../source.ts'
import { countNoPages } from '../files/no-pages.ts'
import { type SourceFile, totalBytes } from '../files/source-files.ts'
import { systemErrorCode } from '../files/system-error-code.ts'
import { type UnpackOptions, unpackFile } from './unpacked-file.ts'
import { type WarcRecord, warcRecords } from './warc-records.ts'

/**
 * The content of a record. `noPage` says why it is no page; it completes a phrase with a number.
 */
export type RecordReading = SourceItem | { noPage: string }

export interface ReadOptions {
  source: string
  /** The record's date, or that of its file if the record has none. */
  seenAt: Date
  /** Await it between pieces of work. */
  yieldIfDue(): Promise<void>
}

export interface WarcReader {
  /** How much of a record's block the reader needs. */
  blockBytes: number
  read(record: WarcRecord, options: ReadOptions): RecordReading | Promise<RecordReading>
}

const types = new Set([
  'warcinfo',
  'response',
  'resource',
  'request',
  'metadata',
  'revisit',
  'conversion',
  'continuation',
])

/** A dataset of files with WARC records: WARC, WET or WAT, depending on the reader. */
export function warcFilesSource(
  name: string,
  kind: SourceKind,
  files: SourceFile[],
  reader: WarcReader,
): Dataset {
  const total = totalBytes(files)
  return {
    name,
    kind,
    bytes: total,
    async *items({ signal, onProgress }) {
      const yieldIfDue = createEventLoopYield(signal)
      const noPages = countNoPages('record')
      let done = 0
      let finishedBytes = 0
      const onConsumed = (consumed: number) => {
        done = Math.max(done, finishedBytes + consumed)
        onProgress({ done, total, unit: 'bytes' })
      }
      for (const file of files) {
        signal.throwIfAborted()
        const options = { signal, onConsumed, yieldIfDue }
        for await (const reading of readFile(file, { source: name, reader }, options)) {
          if ('noPage' in reading) noPages.count(reading.noPage)
          else yield reading
        }
        finishedBytes += file.bytes
      }
      const remark = noPages.remark()
      if (remark) yield { remark }
    },
  }
}

async function* readFile(
  file: SourceFile,
  { source, reader }: { source: string; reader: WarcReader },
  options: UnpackOptions,
): AsyncGenerator<RecordReading> {
  const { yieldIfDue } = options
  if (file.bytes === 0) yield { bad: { place: file.shown, reason: 'it is empty' } }
  try {
    for await (const item of warcRecords(unpackFile(file.path, options), file, reader)) {
      await yieldIfDue()
      if ('bad' in item) yield item
      else {
        const seenAt = dateOr(file.modifiedAt, item.record.fields.get('warc-date'))
        yield await reader.read(item.record, { source, seenAt, yieldIfDue })
      }
    }
  } catch (error) {
    const code = systemErrorCode(error)
    if (!code) throw error
    yield { bad: { place: file.shown, reason: `it can't be read (${code})` } }
  }
}

/** The address that was requested. WARC 1.0 allows angle brackets around it. */
export function targetOf({ fields }: WarcRecord): string | null {
  return fields.get('warc-target-uri')?.replace(/^<(.*)>$/, '$1') || null
}

/** The reading of a record whose type never holds a page. */
export function otherType({ fields }: WarcRecord): { noPage: string } {
  const type = fields.get('warc-type')?.toLowerCase() ?? ''
  return { noPage: types.has(type) ? `of type ${type}` : 'of an unknown type' }
}

/** Parses a WARC-Date; `fallback` if it is missing or invalid. */
export function dateOr(fallback: Date, text = ''): Date {
  const date = new Date(text)
  return Number.isNaN(date.getTime()) ? fallback : date
}
