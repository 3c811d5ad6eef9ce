import { constants, crc32, inflateRawSync } from 'node:zlib'
import { z } from 'zod'

/** Every member begins so: the two magic bytes and the only method there is. */
export const gzipMagic = Buffer.from([0x1f, 0x8b, 0x08])
/** Checksum and length at a member's end. */
export const trailerBytes = 8

const Inflated = z.object({
  buffer: z.instanceof(Buffer),
  engine: z.object({ bytesWritten: z.number() }),
})

/**
 * @returns where the deflated data begins (RFC 1952); null for what is no header, or a longer one
 * than was given.
 */
export function gzipHeaderLength(bytes: Buffer): number | null {
  const flags = bytes[3] ?? 0
  if (bytes.length < 18 || bytes.compare(gzipMagic, 0, 3, 0, 3) !== 0 || flags & 0xe0) return null
  let length = 10
  if (flags & 4) length += 2 + (bytes.length > 12 ? bytes.readUInt16LE(10) : 0)
  for (const named of [8, 16]) {
    if (!(flags & named)) continue
    const end = bytes.indexOf(0, length)
    if (end < 0) return null
    length = end + 1
  }
  if (flags & 2) length += 2
  return length < bytes.length ? length : null
}

/** Whether checksum and length at the end of a member fit what was unpacked. */
export function trailerFits(trailer: Buffer, checksum: number, length: number): boolean {
  return trailer.readUInt32LE(0) === checksum && trailer.readUInt32LE(4) === length % 2 ** 32
}

/**
 * What became of a member that was unpacked in one go; `partial` where it goes on after what was
 * given, or is larger than it may be.
 */
export type Unpacked =
  | { state: 'whole'; bytes: Buffer; length: number }
  | { state: 'partial' }
  | { state: 'damaged'; reason: string }

/**
 * Unpacks the member that `bytes` begin with.
 * @param limit of packed and of unpacked bytes: more than a call of a few milliseconds can do is
 * left to a stream.
 */
export function unpackMember(bytes: Buffer, limit: { packed: number; unpacked: number }): Unpacked {
  const header = gzipHeaderLength(bytes)
  if (header === null) return { state: 'damaged', reason: 'no gzip member begins here' }
  try {
    const { buffer, engine } = Inflated.parse(
      inflateRawSync(bytes.subarray(header, header + limit.packed), {
        info: true,
        chunkSize: 65_536,
        maxOutputLength: limit.unpacked,
        finishFlush: constants.Z_SYNC_FLUSH,
      }),
    )
    const end = header + engine.bytesWritten
    // Where the data reach the end of what was given, nothing says that they are complete.
    if (engine.bytesWritten + trailerBytes > limit.packed || end + trailerBytes > bytes.length)
      return { state: 'partial' }
    if (!trailerFits(bytes.subarray(end, end + trailerBytes), crc32(buffer), buffer.length))
      return { state: 'damaged', reason: 'its gzip checksum does not fit' }
    return { state: 'whole', bytes: buffer, length: end + trailerBytes }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ERR_BUFFER_TOO_LARGE') return { state: 'partial' }
    if (code === 'Z_DATA_ERROR') return { state: 'damaged', reason: 'its gzip member is damaged' }
    throw error
  }
}
