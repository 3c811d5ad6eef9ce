import { createReadStream } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { constants, crc32, createInflateRaw } from 'node:zlib'
import { type FileWindow, openWindow, windowBytes } from './file-window.ts'
import {
  gzipHeaderLength,
  gzipMagic,
  trailerBytes,
  trailerFits,
  unpackMember,
} from './gzip-member.ts'

/**
 * Some more of a file's content, in order; or a place at which it breaks off. What comes next after
 * that begins with a gzip member.
 */
export type Stretch =
  /**
   * `member`: byte of the file at which a gzip member begins of which these bytes are the
   * beginning; null in the midst, and in plain files.
   */
  | { state: 'read'; bytes: Buffer; member: number | null }
  | { state: 'broken'; at: number; reason: string }

export interface UnpackOptions {
  signal: AbortSignal
  /**
   * @param consumed bytes of the file as it is on disk; may go back where a broken stretch is
   * searched again.
   */
  onConsumed(consumed: number): void
  giveWay(): Promise<void>
}

/**
 * Members up to this size are unpacked in one call, as nearly all are; it takes less time than
 * handing them to another thread.
 */
const atOnce = { packed: 128 * 1024, unpacked: 1024 * 1024 }
/**
 * Enough to see that something is a gzip member: other bytes are found out within a few hundred.
 */
const proof = { packed: 4096, unpacked: 16 * 1024 * 1024 }
/**
 * A member that has unpacked to so much, and is packed more than a hundredfold, is a bomb: pages
 * and records pack to a fifth or a tenth.
 */
const bomb = { bytes: 16 * 1024 * 1024, ratio: 100 }
const plainChunk = 256 * 1024
/** How far before the place of a failure the next member is searched. */
const lookBack = 1024 * 1024

/**
 * What a file holds, whether it is plain, one gzip stream, or a row of gzip members. Memory does
 * not grow with the file.
 * @throws an error of the file system
 */
export async function* unpackFile(path: string, options: UnpackOptions): AsyncGenerator<Stretch> {
  const file = await open(path)
  try {
    const start = Buffer.alloc(4)
    const { bytesRead } = await file.read(start, 0, 4, 0)
    if (start.readUInt32BE(0) === 0x28b52ffd)
      yield { state: 'broken', at: 0, reason: 'it is packed with zstd, which is not read' }
    else if (start.readUInt16BE(0) === gzipMagic.readUInt16BE(0))
      yield* unpackGzip(path, file, options)
    else if (bytesRead > 0) yield* readPlain(file, options)
  } finally {
    await file.close()
  }
}

async function* readPlain(
  file: FileHandle,
  { onConsumed, giveWay }: UnpackOptions,
): AsyncGenerator<Stretch> {
  for (let at = 0; ; ) {
    await giveWay()
    const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(plainChunk), 0, plainChunk, at)
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
): AsyncGenerator<Stretch> {
  const window = openWindow(file)
  const { size } = await file.stat()
  for (let at: number | null = 0; at !== null && at < size; ) {
    await options.giveWay()
    options.onConsumed(at)
    const member = unpackMember(await window.at(at, 2 * atOnce.packed), atOnce)
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
    at = await findMember(window, Math.max(at + 1, end.failedAt - lookBack), options)
  }
  options.onConsumed(size)
}

type MemberEnd =
  | { state: 'whole'; next: number }
  | { state: 'damaged'; reason: string; failedAt: number }

/** A member of any size, piece by piece. */
async function* streamMember(
  path: string,
  at: number,
  window: FileWindow,
  { signal, onConsumed }: UnpackOptions,
): AsyncGenerator<Stretch, MemberEnd> {
  const data = at + (gzipHeaderLength(await window.at(at, 2 * atOnce.packed)) ?? 0)
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
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    const failedAt = data + inflate.bytesWritten
    if (code === 'Z_DATA_ERROR')
      return { state: 'damaged', reason: 'its gzip member is damaged', failedAt }
    throw error
  } finally {
    packed.destroy()
    inflate.destroy()
  }
  // Of a member that is cut off everything that is there has been read by now.
  const end = data + inflate.bytesWritten
  const trailer = (await window.at(end, trailerBytes)).subarray(0, trailerBytes)
  if (trailer.length < trailerBytes)
    return { state: 'damaged', reason: 'its gzip member is cut off', failedAt: end }
  if (!trailerFits(trailer, checksum, length))
    return { state: 'damaged', reason: 'its gzip checksum does not fit', failedAt: end }
  return { state: 'whole', next: end + trailerBytes }
}

/**
 * The next place from `from` on at which a member begins: not just its three first bytes, which
 * packed data hold now and then too.
 */
async function findMember(
  window: FileWindow,
  from: number,
  { onConsumed, giveWay }: UnpackOptions,
): Promise<number | null> {
  for (let at = from; ; ) {
    await giveWay()
    const bytes = await window.at(at, windowBytes / 2)
    const found = bytes.indexOf(gzipMagic)
    if (found < 0 && bytes.length < windowBytes / 2) return null
    if (found < 0) at += bytes.length - gzipMagic.length
    else {
      const candidate = unpackMember(bytes.subarray(found), proof)
      const goesOn = candidate.state === 'partial' && bytes.length - found > 2 * proof.packed
      if (candidate.state === 'whole' || goesOn) return at + found
      // Near the end of what is in view: looked at again with more behind it.
      at += found === 0 || bytes.length - found > 2 * proof.packed ? found + 1 : found
    }
    onConsumed(at)
  }
}
