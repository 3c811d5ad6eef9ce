import { createReadStream } from 'node:fs'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { z } from 'zod'
import { linkKinds, type WebDocument } from '#webindex/pages/document.ts'

/**
 * Keeps the documents of a crawl on disk until it is complete and they are added to the index. They
 * may be too many for memory.
 */
export interface DocumentSpool {
  /** The size of the file so far. */
  readonly bytes: number
  readonly count: number
  add(document: WebDocument): Promise<void>
  /** All documents in order. May be called repeatedly, but not followed by `add`. */
  documents(): AsyncGenerator<WebDocument>
  remove(): Promise<void>
}

const Document = z.object({
  url: z.string(),
  title: z.string(),
  words: z.number(),
  text: z.string(),
  seenAt: z.string().transform((text) => new Date(text)),
  source: z.string(),
  links: z.array(
    z.object({
      href: z.string(),
      anchor: z.string(),
      nofollow: z.boolean(),
      kind: z.enum(linkKinds),
    }),
  ),
})

export async function openSpool(): Promise<DocumentSpool> {
  const folder = await mkdtemp(join(tmpdir(), 'searchlight-crawl-'))
  const path = join(folder, 'documents.ndjson')
  const file = await open(path, 'a')
  let bytes = 0
  let count = 0
  return {
    get bytes() {
      return bytes
    },
    get count() {
      return count
    },
    async add(document) {
      // readline treats these two characters as line breaks.
      const json = JSON.stringify(document)
        .replaceAll('\u2028', '\\u2028')
        .replaceAll('\u2029', '\\u2029')
      const { bytesWritten } = await file.write(`${json}\n`)
      bytes += bytesWritten
      count++
    },
    async *documents() {
      for await (const line of createInterface({ input: createReadStream(path) }))
        yield Document.parse(JSON.parse(line))
    },
    async remove() {
      await file.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
