import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import {
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
} from 'node:zlib'
import { errorCode } from './error-code.ts'

/** If a body exceeds the limit: `cut` drops the rest, `refuse` fails with TooLarge. */
export type Excess = 'cut' | 'refuse'

/** The body exceeds the limit. */
export class TooLarge extends Error {}
/** The Content-Encoding is not supported, or the body can't be decompressed. */
export class Unreadable extends Error {}

/** Accepts truncated data, as browsers do. */
const lenient = { finishFlush: constants.Z_SYNC_FLUSH }

/**
 * Reads and decompresses a body up to `maxBytes`. The limit applies to the decompressed size and
 * during decompression, so a zip bomb does no harm.
 * @param encodings value of the Content-Encoding header
 * @throws {TooLarge} @throws {Unreadable} @throws errors of the connection
 */
export async function readBody(
  body: Readable,
  encodings: string,
  { maxBytes, excess }: { maxBytes: number; excess: Excess },
): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  let isFull = false
  const collect = async (source: AsyncIterable<Buffer>) => {
    for await (const chunk of source) {
      bytes += chunk.length
      chunks.push(chunk)
      isFull = bytes > maxBytes
      if (isFull) throw new TooLarge()
    }
  }
  // The body may be destroyed before it has a reader; an unhandled error event would end the
  // process.
  body.on('error', () => {})
  try {
    const [first, second, ...more] = unpackers(encodings)
    if (more.length > 0) throw new Unreadable('it is compressed more than twice')
    if (!first) await collect(body)
    else if (!second) await pipeline(body, first, collect)
    else await pipeline(body, first, second, collect)
  } catch (error) {
    body.destroy()
    // A pipeline may throw another error than the one that ended it.
    if (isFull && excess === 'refuse') throw new TooLarge()
    if (!isFull)
      throw isUnpackingError(error)
        ? new Unreadable('it can’t be decompressed', { cause: error })
        : error
  }
  return Buffer.concat(chunks).subarray(0, maxBytes)
}

type Stage = (source: AsyncIterable<Buffer>) => AsyncIterable<Buffer>

/** In reverse order: the last encoding was applied last. */
function unpackers(encodings: string): (ReturnType<typeof createGunzip> | Stage)[] {
  const names = encodings
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name && name !== 'identity')
  return names.reverse().map((name) => {
    if (name === 'gzip' || name === 'x-gzip') return createGunzip(lenient)
    if (name === 'br')
      return createBrotliDecompress({ finishFlush: constants.BROTLI_OPERATION_FLUSH })
    if (name === 'deflate') return inflate
    throw new Unreadable(`its encoding ${name.slice(0, 20)} is not supported`)
  })
}

/** Some servers send deflate data without the zlib header; the first byte shows it. */
async function* inflate(source: AsyncIterable<Buffer>): AsyncIterable<Buffer> {
  const chunks = source[Symbol.asyncIterator]()
  const first = await chunks.next()
  if (first.done) return
  const stream =
    ((first.value[0] ?? 0) & 0x0f) === 8 ? createInflate(lenient) : createInflateRaw(lenient)
  const feeding = pipeline(async function* () {
    yield first.value
    for (let next = await chunks.next(); !next.done; next = await chunks.next()) yield next.value
  }, stream)
  // The stream emits the same error, and its reader handles it.
  feeding.catch(() => {})
  yield* stream
}

function isUnpackingError(error: unknown): boolean {
  return /^(Z_|ERR__ERROR_|ERR_BROTLI)/.test(errorCode(error))
}
