import type { Transform } from 'node:stream'
import {
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
} from 'node:zlib'
import { looksLikeHtml } from '../../pages/looks-like-html.ts'
import { headerLength, readFields } from './warc-records.ts'

export interface HttpResponse {
  status: number
  /** By lower-case name. */
  fields: Map<string, string>
  /**
   * As it was sent: chunked or compressed if the fields say so, unless the archive has decoded it.
   */
  body: Buffer
}

/** @returns null if the block is not an HTTP response. */
export function readHttpResponse(block: Buffer): HttpResponse | null {
  const length = headerLength(block) ?? block.length
  const [first = '', ...lines] = block
    .toString('latin1', 0, Math.min(length, 64 * 1024))
    .split(/\r?\n/)
  const status = /^HTTP\/\d(?:\.\d)?\s+(\d{3})\b/.exec(first)?.[1]
  if (!status) return null
  return { status: Number(status), fields: readFields(lines).fields, body: block.subarray(length) }
}

/**
 * Joins the chunks of a body and decompresses it, up to `limit` bytes. Uses as much of a truncated
 * body as there is. Archives often keep the fields but store the decoded body; it is returned as
 * is.
 * @throws {BadBody}
 */
export async function decodeBody({ fields, body }: HttpResponse, limit: number): Promise<Buffer> {
  let decoded = /\bchunked\b/i.test(fields.get('transfer-encoding') ?? '') ? joinChunks(body) : body
  const codings = (fields.get('content-encoding') ?? '').toLowerCase().split(',')
  // The last coding was applied last. Real servers apply two at most.
  for (const coding of codings
    .map((name) => name.trim())
    .filter((name) => name && name !== 'identity')
    .slice(-3)
    .reverse())
    decoded = await unpackBody(decoded, coding, limit)
  return decoded.subarray(0, limit)
}

/** The body is not encoded as its header says. */
export class BadBody extends Error {
  constructor(reason: string) {
    super(reason)
    this.name = 'BadBody'
  }
}

/** Real servers send kilobytes per chunk; more chunks only waste time. Later ones are not read. */
const maxChunks = 50_000

function joinChunks(body: Buffer): Buffer {
  const chunks: Buffer[] = []
  for (let at = 0; at < body.length && chunks.length < maxChunks; ) {
    const lineEnd = body.indexOf('\n', at)
    const size = /^([\da-f]{1,8})\s*(?:;.*)?$/i.exec(
      body.toString('latin1', at, Math.min(lineEnd, at + 1024)).trimEnd(),
    )?.[1]
    if (lineEnd < 0 || !size) return at === 0 ? body : Buffer.concat(chunks)
    const length = Number.parseInt(size, 16)
    if (length === 0) break
    chunks.push(body.subarray(lineEnd + 1, lineEnd + 1 + length))
    at = lineEnd + 1 + length
    if (body[at] === 0x0d) at++
    if (body[at] === 0x0a) at++
  }
  return Buffer.concat(chunks)
}

async function unpackBody(body: Buffer, coding: string, limit: number): Promise<Buffer> {
  for (const createUnpacker of unpackersOf(body, coding)) {
    const unpacked = await unpackFirst(body, createUnpacker(), limit)
    if (unpacked.length > 0) return unpacked
  }
  if (body.length === 0 || looksLikeHtml(body)) return body
  throw new BadBody(
    ['gzip', 'x-gzip', 'br', 'deflate'].includes(coding)
      ? `its body is not ${coding}, although its header says so`
      : `its body is compressed with ${coding.slice(0, 20)}, which is not supported`,
  )
}

const lenient = { finishFlush: constants.Z_SYNC_FLUSH }

function unpackersOf(body: Buffer, coding: string): (() => Transform)[] {
  if (coding === 'gzip' || coding === 'x-gzip')
    return body[0] === 0x1f && body[1] === 0x8b ? [() => createGunzip(lenient)] : []
  if (coding === 'br')
    return looksLikeHtml(body)
      ? []
      : [() => createBrotliDecompress({ finishFlush: constants.BROTLI_OPERATION_FLUSH })]
  // Servers use this name for two formats.
  if (coding === 'deflate')
    return looksLikeHtml(body)
      ? []
      : [() => createInflate(lenient), () => createInflateRaw(lenient)]
  return []
}

/** Unpacks until `limit` is reached or the data ends or is damaged. */
async function unpackFirst(packed: Buffer, unpacker: Transform, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  unpacker.end(packed)
  try {
    for await (const chunk of unpacker) {
      if (!Buffer.isBuffer(chunk)) continue
      chunks.push(chunk)
      size += chunk.length
      if (size >= limit) break
    }
  } catch {
    // Browsers, too, show what came before the damage.
  } finally {
    unpacker.destroy()
  }
  return Buffer.concat(chunks)
}
