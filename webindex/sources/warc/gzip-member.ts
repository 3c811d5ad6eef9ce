import { constants, crc32, inflateRawSync } from 'node:zlib'
import { z } from 'zod'
import { codeOf } from '#processes/error-code.ts'

/** The start of every member: two magic bytes and the only compression method (RFC 1952). */
export const gzipMagic = Buffer.from([0x1f, 0x8b, 0x08])
/** The checksum and length at the end of a member. */
export const trailerBytes = 8

const Inflated = z.object({
  buffer: z.instanceof(Buffer),
  engine: z.object({ bytesWritten: z.number() }),
})

/**
 * @returns where the deflated data starts (RFC 1952); null if there is no header, or if it is
 * longer than `bytes`.
 */
export function gzipHeaderLength(bytes: Buffer): number | null {
  const flags = bytes[3] ?? 0
  if (bytes.length < 18 || bytes.compare(gzipMagic, 0, 3, 0, 3) !== 0 || flags & 0xe0) return null
  let length = 10
  if (flags & 4) length += 2 + (bytes.length > 12 ? bytes.readUInt16LE(10) : 0)
  // File name and comment, each terminated by a zero byte.
  for (const flag of [8, 16]) {
    if (!(flags & flag)) continue
    const end = bytes.indexOf(0, length)
    if (end < 0) return null
    length = end + 1
  }
  if (flags & 2) length += 2
  return length < bytes.length ? length : null
}

/** Whether the checksum and length at the end of a member match its unpacked data. */
export function trailerMatches(trailer: Buffer, checksum: number, length: number): boolean {
  return trailer.readUInt32LE(0) === checksum && trailer.readUInt32LE(4) === length % 2 ** 32
}

/** `partial`: the member continues after the given bytes, or is larger than the limit. */
export type Unpacked =
  | { state: 'whole'; bytes: Buffer; length: number }
  | { state: 'partial' }
  | { state: 'damaged'; reason: string }

/**
 * Unpacks the member at the start of `bytes`, synchronously.
 * @param limit in packed and unpacked bytes. Keep it small enough for a call of a few milliseconds;
 * larger members need a stream.
 */
export function unpackMember(bytes: Buffer, limit: { packed: number; unpacked: number }): Unpacked {
  const header = gzipHeaderLength(bytes)
  if (header === null) return { state: 'damaged', reason: 'no gzip member starts here' }
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
    // If the data reaches the end of the given bytes, it may be incomplete.
    if (engine.bytesWritten + trailerBytes > limit.packed || end + trailerBytes > bytes.length)
      return { state: 'partial' }
    if (!trailerMatches(bytes.subarray(end, end + trailerBytes), crc32(buffer), buffer.length))
      return { state: 'damaged', reason: 'its gzip checksum does not match' }
    return { state: 'whole', bytes: buffer, length: end + trailerBytes }
  } catch (error) {
    const code = codeOf(error)
    if (code === 'ERR_BUFFER_TOO_LARGE') return { state: 'partial' }
    if (code === 'Z_DATA_ERROR') return { state: 'damaged', reason: 'its gzip member is damaged' }
    throw error
  }
}
