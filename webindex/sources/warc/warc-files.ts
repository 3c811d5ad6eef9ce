import { createEventLoopYield } from '../../pages/yield-to-event-loop.ts'
import type { Dataset, SourceItem, SourceKind } from '../../source.ts'
import { countNoPages } from '../no-pages.ts'
import { type SourceFile, totalBytes } from '../source-files.ts'
import { unpackFile } from './unpacked-file.ts'
import { type WarcRecord, warcRecords } from './warc-records.ts'

/** What a record turned out to be. `noPage`: why not, as it follows a number. */
export type RecordReading = SourceItem | { noPage: string }

export interface WarcReader {
  /** Of a record's block that is needed. */
  blockBytes: number
  /**
   * @param seenAt the record's date; of a record without one that of its file.
   * @param giveWay to be awaited between pieces of work
   */
  read(
    record: WarcRecord,
    place: { source: string; seenAt: Date; giveWay: () => Promise<void> },
  ): RecordReading | Promise<RecordReading>
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

/** Files of WARC records as a source: WARC, WET and WAT differ in what their records mean. */
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
      const giveWay = createEventLoopYield(signal)
      const noPages = countNoPages('record')
      let done = 0
      let before = 0
      const onConsumed = (consumed: number) => {
        done = Math.max(done, before + consumed)
        onProgress({ done, total, unit: 'bytes' })
      }
      for (const file of files) {
        signal.throwIfAborted()
        if (file.bytes === 0) yield { bad: { place: file.shown, reason: 'it is empty' } }
        try {
          for await (const item of warcRecords(
            unpackFile(file.path, { signal, onConsumed, giveWay }),
            file,
            reader,
          )) {
            await giveWay()
            const reading =
              'bad' in item
                ? item
                : await reader.read(item.record, {
                    source: name,
                    seenAt: dateOf(item.record, file),
                    giveWay,
                  })
            if ('noPage' in reading) noPages.count(reading.noPage)
            else yield reading
          }
        } catch (error) {
          const code =
            error instanceof Error && 'syscall' in error && 'code' in error ? error.code : null
          if (!code) throw error
          yield { bad: { place: file.shown, reason: `it can't be read (${code})` } }
        }
        before += file.bytes
      }
      const remark = noPages.remark()
      if (remark) yield { remark }
    },
  }
}

/** The page's address as it was asked for; WARC 1.0 may put it into angle brackets. */
export function targetOf({ fields }: WarcRecord): string | null {
  return fields.get('warc-target-uri')?.replace(/^<(.*)>$/, '$1') || null
}

/** For a record that is passed over whatever it holds. */
export function otherType({ fields }: WarcRecord): { noPage: string } {
  const type = fields.get('warc-type')?.toLowerCase() ?? ''
  return { noPage: types.has(type) ? `of type ${type}` : 'of an unknown type' }
}

function dateOf({ fields }: WarcRecord, file: SourceFile): Date {
  const date = new Date(fields.get('warc-date') ?? '')
  return Number.isNaN(date.getTime()) ? file.modifiedAt : date
}
