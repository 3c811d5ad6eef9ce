import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { temporaryFolder } from '#test/webindex/index-fixture.ts'
import type { WebDocument } from '#webindex/pages/document.ts'
import type { BadRow, Dataset } from '#webindex/source.ts'

export const date = '2026-03-04T05:06:07Z'

/** A record in standard form: version, fields, empty line, block, two empty lines. */
export function record(
  fields: Record<string, string | number>,
  block: string | Buffer,
  version = '1.0',
): Buffer {
  const bytes = Buffer.from(block)
  const all = { 'WARC-Date': date, 'Content-Length': bytes.length, ...fields }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.concat([
    Buffer.from(`WARC/${version}\r\n${lines.join('')}\r\n`),
    bytes,
    Buffer.from('\r\n\r\n'),
  ])
}

export function http(
  body: string | Buffer,
  headers: Record<string, string> = {},
  status = '200 OK',
): Buffer {
  const lines = Object.entries({ 'Content-Type': 'text/html; charset=utf-8', ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  )
  return Buffer.concat([
    Buffer.from(`HTTP/1.1 ${status}\r\n${lines.join('')}\r\n`),
    Buffer.from(body),
  ])
}

export function response(
  url: string,
  block: string | Buffer,
  fields: Record<string, string | number> = {},
): Buffer {
  return record(
    {
      'WARC-Type': 'response',
      'WARC-Target-URI': url,
      'Content-Type': 'application/http; msgtype=response',
      ...fields,
    },
    block,
  )
}

/** A response whose page has `title`, three words and one link. */
export function pageRecord(url: string, title = 'T'): Buffer {
  return response(url, http(`<title>${title}</title><p>Two words <a href="/next">next</a>`))
}

export const gz = (bytes: Buffer) => gzipSync(bytes, { level: 1 })
export const bytesOf = (...parts: (string | Buffer)[]) =>
  Buffer.concat(parts.map((part) => Buffer.from(part)))

/** Writes a file into a new temporary folder. */
export function fileWith(name: string, ...parts: (string | Buffer)[]): string {
  const path = join(temporaryFolder(), name)
  writeFileSync(path, bytesOf(...parts))
  return path
}

export interface ReadSource {
  pages: WebDocument[]
  bad: BadRow[]
  remarks: string[]
  /** The `done` values of the progress reports, in order. */
  progress: number[]
}

export async function readAll(
  source: Dataset,
  signal = new AbortController().signal,
): Promise<ReadSource> {
  const read: ReadSource = { pages: [], bad: [], remarks: [], progress: [] }
  for await (const item of source.items({
    signal,
    onProgress: ({ done }) => read.progress.push(done),
  })) {
    if ('page' in item) read.pages.push(item.page)
    if ('bad' in item) read.bad.push(item.bad)
    if ('remark' in item) read.remarks.push(item.remark)
  }
  return read
}
