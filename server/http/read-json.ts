import { ApiError } from './api-error.ts'

/** Room for an input of 256 KB and what stands around it. */
const mostBytes = 320 * 1024

/**
 * A request's body, or undefined where it is no JSON. Read piece by piece, so that a huge one is
 * not taken in first.
 * @throws {ApiError} 413
 */
export async function readJson(request: Request): Promise<unknown> {
  const pieces: Uint8Array[] = []
  let bytes = 0
  for await (const piece of request.body ?? []) {
    bytes += piece.length
    if (bytes > mostBytes) throw new ApiError(413, 'too_large', 'A request may hold 320 KB.')
    pieces.push(piece)
  }
  try {
    return JSON.parse(Buffer.concat(pieces).toString('utf8'))
  } catch {
    return undefined
  }
}
