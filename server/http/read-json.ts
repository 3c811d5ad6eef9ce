import { ApiError } from './api-error.ts'

/** Room for an input of 256 KB and its envelope. */
const maxBytes = 320 * 1024

/**
 * A request's body, or undefined where it is not JSON. Read chunk by chunk, so that a huge body is
 * refused before it fills memory.
 * @throws {ApiError} 413
 */
export async function readJson(request: Request): Promise<unknown> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of request.body ?? []) {
    bytes += chunk.length
    if (bytes > maxBytes) throw new ApiError(413, 'too_large', 'A request may hold 320 KB.')
    chunks.push(chunk)
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'))
  } catch {
    return undefined
  }
}
