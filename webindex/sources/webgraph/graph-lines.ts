import { createReadStream } from 'node:fs'
import { basename } from 'node:path'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { BadSource } from '../files/bad-source.ts'
import { cannotRead, firstBytes } from '../files/import-file.ts'

/** Whole lines of a file, each with its line feed; the last line of the file may lack it. */
export interface LineBlock {
  bytes: Buffer
  /** The number of the first line, from 1. */
  firstLine: number
}

/** Each call reads a file from its start. */
export type Blocks = (path: string) => AsyncIterable<LineBlock>

const chunkSize = 64 * 1024
/**
 * Far longer than any line of a graph. It bounds the memory: a line is held until it is complete.
 */
const maxLineBytes = 64 * 1024

/**
 * Reads a gzipped or plain text file in blocks of about 64 KiB, so that the work on each is short
 * enough for the event loop. DuckDB's reader would accept a truncated or damaged gzip file.
 * @param onBytes receives the number of bytes *of the file* that were read since its last call.
 * @throws {BadSource} if the checks of gzip fail or a line is longer than 64 KiB.
 */
export async function* lineBlocks(
  path: string,
  { signal, onBytes }: { signal: AbortSignal; onBytes(bytes: number): void },
): AsyncGenerator<LineBlock> {
  const name = basename(path)
  let firstLine = 1
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of chunksOf(path, { signal, onBytes })) {
    const end = chunk.lastIndexOf(10) + 1
    if (end === 0) rest = Buffer.concat([rest, chunk])
    else {
      const bytes = Buffer.concat([rest, chunk.subarray(0, end)])
      yield { bytes, firstLine }
      firstLine += countLines(bytes)
      rest = chunk.subarray(end)
    }
    if (rest.length > maxLineBytes + chunkSize)
      throw new BadSource(
        `${name} can’t be imported: line ${firstLine} is longer than any line of a graph.`,
      )
  }
  if (rest.length > 0) yield { bytes: rest, firstLine }
}

async function* chunksOf(
  path: string,
  { signal, onBytes }: { signal: AbortSignal; onBytes(bytes: number): void },
): AsyncGenerator<Buffer> {
  const isGzipped = await isGzip(path)
  const file = createReadStream(path, { highWaterMark: chunkSize, signal })
  const stream = isGzipped ? pipeline(file, createGunzip({ chunkSize }), () => {}) : file
  let read = 0
  try {
    for await (const chunk of stream) {
      signal.throwIfAborted()
      onBytes(file.bytesRead - read)
      read = file.bytesRead
      yield chunk
    }
  } catch (cause) {
    signal.throwIfAborted()
    throw cannotRead(basename(path), cause, 'it is damaged or cut off')
  } finally {
    stream.destroy()
    file.destroy()
  }
}

async function isGzip(path: string): Promise<boolean> {
  return (await firstBytes(path, 2)) === '\x1f\x8b'
}

function countLines(bytes: Buffer): number {
  let lines = 0
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) lines++
  return lines
}
