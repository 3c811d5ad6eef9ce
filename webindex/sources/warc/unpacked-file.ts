import { createReadStream } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { constants, crc32, createInflateRaw } from 'node:zlib'
import { codeOf } from '#processes/error-code.ts'
import { type FileWindow, openWindow, windowBytes } from './file-window.ts'
import {
  gzipHeaderLength,
  gzipMagic,
  trailerBytes,
  trailerMatches,
  unpackMember,
} from './gzip-member.ts'

/** The next piece of a file's content, in order. */
export type Chunk =
  /**
   * `member`: if a gzip member starts with these bytes, its byte offset in the file; null within a
   * member and in plain files.
   */
  | { state: 'read'; bytes: Buffer; member: number | null }
  /** The content is damaged from byte `at` of the file on. The next chunk starts a gzip member. */
  | { state: 'broken'; at: number; reason: string }

export interface UnpackOptions {
  signal: AbortSignal
  /**
   * @param consumed bytes of the file on disk. May decrease when the bytes around damage are
   * searched again.
   */
  onConsumed(consumed: number): void
  yieldIfDue(): Promise<void>
}

/**
 * Members up to this size are unpacked in one synchronous call, which is faster than handing them
 * to another thread. Nearly all members are this small.
 */
const syncLimit = { packed: 128 * 1024, unpacked: 1024 * 1024 }
/** Enough to recognise a gzip member: other bytes fail within a few hundred. */
const probeLimit = { packed: 4096, unpacked: 16 * 1024 * 1024 }
/**
 * A member that unpacks to more bytes and by a larger ratio is a zip bomb. Pages usually compress
 * to a fifth or a tenth.
 */
const bomb = { bytes: 16 * 1024 * 1024, ratio: 100 }
const plainChunkBytes = 256 * 1024
/** How many bytes before a failure to start the search for the next member. */
const lookBackBytes = 1024 * 1024

/**
 * The content of a file that is plain, one gzip stream, or a sequence of gzip members. Needs
 * constant memory.
 * @throws an error of the file system
 */
export async function* unpackFile(path: string, options: UnpackOptions): AsyncGenerator<Chunk> {
  const file = await open(path)
  try {
    const start = Buffer.alloc(4)
    const { bytesRead } = await file.read(start, 0, 4, 0)
    if (start.readUInt32BE(0) === 0x28b52ffd)
      yield { state: 'broken', at: 0, reason: 'it is compressed with zstd, which is not supported' }
    else if (start.readUInt16BE(0) === gzipMagic.readUInt16BE(0))
      yield* unpackGzip(path, file, options)
    else if (bytesRead > 0) yield* readPlain(file, options)
  } finally {
    await file.close()
  }
}

async function* readPlain(
  file: FileHandle,
  { onConsumed, yieldIfDue }: UnpackOptions,
): AsyncGenerator<Chunk> {
  for (let at = 0; ; ) {
    await yieldIfDue()
    const { bytesRead, buffer } = await file.read(
      Buffer.allocUnsafe(plainChunkBytes),
      0,
      plainChunkBytes,
      at,
    )
    if (bytesRead === 0) return
    yield { state: 'read', bytes: buffer.subarray(0, bytesRead), member: null }
    at += bytesRead
    onConsumed(at)
  }
}

async function* unpackGzip(
  path: string,
  file: FileHandle,
  options: UnpackOptions,
): AsyncGenerator<Chunk> {
  const window = openWindow(file)
  const { size } = await file.stat()
  for (let at: number | null = 0; at !== null && at < size; ) {
    await options.yieldIfDue()
    options.onConsumed(at)
    const member = unpackMember(await window.at(at, 2 * syncLimit.packed), syncLimit)
    if (member.state === 'whole') {
      yield { state: 'read', bytes: member.bytes, member: at }
      at += member.length
      continue
    }
    const end: MemberEnd =
      member.state === 'partial'
        ? yield* streamMember(path, at, window, options)
        : { ...member, failedAt: at }
    if (end.state === 'whole') {
      at = end.next
      continue
    }
    yield { state: 'broken', at, reason: end.reason }
    at = await findMember(window, Math.max(at + 1, end.failedAt - lookBackBytes), options)
  }
  options.onConsumed(size)
}

type MemberEnd =
  | { state: 'whole'; next: number }
  | { state: 'damaged'; reason: string; failedAt: number }

/** Unpacks a member of any size, chunk by chunk. */
async function* streamMember(
  path: string,
  at: number,
  window: FileWindow,
  { signal, onConsumed }: UnpackOptions,
): AsyncGenerator<Chunk, MemberEnd> {
  const data = at + (gzipHeaderLength(await window.at(at, 2 * syncLimit.packed)) ?? 0)
  const packed = createReadStream(path, { start: data })
  const inflate = createInflateRaw({ chunkSize: 64 * 1024, finishFlush: constants.Z_SYNC_FLUSH })
  packed.on('error', (error) => inflate.destroy(error)).pipe(inflate)
  let checksum = 0
  let length = 0
  try {
    for await (const bytes of inflate) {
      signal.throwIfAborted()
      if (!Buffer.isBuffer(bytes)) continue
      const consumed = inflate.bytesWritten
      checksum = crc32(bytes, checksum)
      yield { state: 'read', bytes, member: length === 0 ? at : null }
      length += bytes.length
      if (length > bomb.bytes && length > bomb.ratio * consumed)
        return {
          state: 'damaged',
          reason: `its gzip member unpacks to more than ${bomb.ratio} times its size`,
          failedAt: data + consumed,
        }
      onConsumed(data + consumed)
    }
  } catch (error) {
    const failedAt = data + inflate.bytesWritten
    if (codeOf(error) === 'Z_DATA_ERROR')
      return { state: 'damaged', reason: 'its gzip member is damaged', failedAt }
    throw error
  } finally {
    packed.destroy()
    inflate.destroy()
  }
  // If the member is cut off, all that is left of it has been read by now.
  return checkTrailer(window, data + inflate.bytesWritten, { checksum, length })
}

async function checkTrailer(
  window: FileWindow,
  end: number,
  { checksum, length }: { checksum: number; length: number },
): Promise<MemberEnd> {
  const trailer = (await window.at(end, trailerBytes)).subarray(0, trailerBytes)
  if (trailer.length < trailerBytes)
    return { state: 'damaged', reason: 'its gzip member is cut off', failedAt: end }
  if (!trailerMatches(trailer, checksum, length))
    return { state: 'damaged', reason: 'its gzip checksum does not match', failedAt: end }
  return { state: 'whole', next: end + trailerBytes }
}

/**
 * Finds the next member from `from` on. Tries to unpack each candidate, because compressed data
 * also contains the three magic bytes by chance.
 */
async function findMember(
  window: FileWindow,
  from: number,
  { onConsumed, yieldIfDue }: UnpackOptions,
): Promise<number | null> {
  for (let at = from; ; ) {
    await yieldIfDue()
    const bytes = await window.at(at, windowBytes / 2)
    const found = bytes.indexOf(gzipMagic)
    if (found < 0 && bytes.length < windowBytes / 2) return null
    if (found < 0) at += bytes.length - gzipMagic.length
    else {
      const candidate = unpackMember(bytes.subarray(found), probeLimit)
      const continues =
        candidate.state === 'partial' && bytes.length - found > 2 * probeLimit.packed
      if (candidate.state === 'whole' || continues) return at + found
      // Near the end of the window: look at it again with more bytes after it.
      at += found === 0 || bytes.length - found > 2 * probeLimit.packed ? found + 1 : found
    }
    onConsumed(at)
  }
}
