import type { FileHandle } from 'node:fs/promises'

/** A sliding view of a file. A buffer that `at` returned is invalid after the next call. */
export interface FileWindow {
  /** The file from `offset` on: at least `wanted` bytes, fewer only at the end of the file. */
  at(offset: number, wanted: number): Promise<Buffer>
}

export const windowBytes = 1024 * 1024

export function openWindow(file: FileHandle): FileWindow {
  const store = Buffer.allocUnsafe(windowBytes)
  let from = 0
  let length = 0
  let reachesEnd = false
  return {
    async at(offset, wanted) {
      const inside = offset >= from && offset <= from + length
      if (inside && (reachesEnd || offset + wanted <= from + length))
        return store.subarray(offset - from, length)
      if (inside) store.copyWithin(0, offset - from, length)
      length = inside ? length - (offset - from) : 0
      from = offset
      reachesEnd = false
      while (length < windowBytes && !reachesEnd) {
        const { bytesRead } = await file.read(store, length, windowBytes - length, from + length)
        length += bytesRead
        reachesEnd = bytesRead === 0
      }
      return store.subarray(0, length)
    },
  }
}
