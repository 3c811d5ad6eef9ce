import { isUtf8 } from 'node:buffer'
import { decodeBuffer, getEncoding } from 'encoding-sniffer'

/**
 * Decodes a page as browsers do: by its byte order mark, else by the server's charset, else by the
 * charset that the page declares. Without any of them the text is UTF-8 if the bytes are valid
 * UTF-8, and windows-1252 otherwise.
 * @param charset as in the `Content-Type` header
 * @returns null for an encoding that browsers refuse to decode
 */
export function decodeText(bytes: Buffer, charset?: string): string | null {
  const options = {
    transportLayerEncodingLabel: charset ?? '',
    defaultEncoding: isUtf8(withoutTruncatedCharacter(bytes)) ? 'utf-8' : 'windows-1252',
  }
  // Node decodes UTF-8 several times faster than the library. It can't decode the others: Node
  // reads windows-1252 as ISO 8859-1.
  if (getEncoding(bytes, options) === 'UTF-8')
    return bytes.toString('utf8', hasByteOrderMark(bytes) ? 3 : 0)
  try {
    return decodeBuffer(bytes, options)
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  }
}

/** The `charset` parameter of a `Content-Type` header. */
export function charsetOf(contentType: string): string | undefined {
  return /charset\s*=\s*["']?([^\s;"']+)/i.exec(contentType)?.[1]
}

function hasByteOrderMark(bytes: Buffer): boolean {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
}

/** A truncated page may end in the middle of a character; the rest can still be UTF-8. */
function withoutTruncatedCharacter(bytes: Buffer): Buffer {
  let end = bytes.length
  while (end > 0 && bytes.length - end < 4 && (bytes[end - 1] ?? 0) >= 0x80) end--
  return bytes.subarray(0, end)
}
