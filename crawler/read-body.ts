import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import {
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createInflateRaw,
} from 'node:zlib'

/**
 * What is beyond the limit: the rest is left (`cut`), or all of it counts as too large (`refuse`).
 */
export type Excess = 'cut' | 'refuse'

/** The body is larger than it may be. */
export class TooLarge extends Error {}
/** Its Content-Encoding is none that we asked for, or it can't be unpacked. */
export class Unreadable extends Error {}

/** As browsers do: an end that is missing is no reason to throw away what came before. */
const lenient = { finishFlush: constants.Z_SYNC_FLUSH }

/**
 * Reads and unpacks a body, at most `maxBytes` of what comes out: a bomb is cut off while it
 * unfolds.
 * @param encodings value of the Content-Encoding header
 * @throws {TooLarge} @throws {Unreadable} and whatever the connection throws
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
  // It is also destroyed where nobody reads it yet, and an error that nobody hears would end the
  // process.
  body.on('error', () => {})
  try {
    const [first, second, ...more] = unpackers(encodings)
    if (more.length > 0) throw new Unreadable('it is packed more than twice')
    if (!first) await collect(body)
    else if (!second) await pipeline(body, first, collect)
    else await pipeline(body, first, second, collect)
  } catch (error) {
    body.destroy()
    // What ends a pipeline is not always what it throws.
    if (isFull && excess === 'refuse') throw new TooLarge()
    if (!isFull)
      throw isUnpackingError(error)
        ? new Unreadable('it can’t be unpacked', { cause: error })
        : error
  }
  return Buffer.concat(chunks).subarray(0, maxBytes)
}

type Stage = (source: AsyncIterable<Buffer>) => AsyncIterable<Buffer>

/** What was packed last is unpacked first. */
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
    throw new Unreadable(`its encoding ${name.slice(0, 20)} is unknown`)
  })
}

/** Some servers send deflate without its zlib frame; the first byte tells. */
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
  // Its error comes out of the stream as well, which is where it is waited for.
  feeding.catch(() => {})
  yield* stream
}

function isUnpackingError(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    /^(Z_|ERR__ERROR_|ERR_BROTLI)/.test(String(error.code))
  )
}
