import { isUtf8 } from 'node:buffer'
import { decodeBuffer, getEncoding } from 'encoding-sniffer'

/**
 * The text of a page as browsers decode it: by byte order mark, else by what the server said, else
 * by what the page itself says. Where nobody says anything, it is UTF-8 if it can be, and
 * windows-1252 if not.
 * @param charset as the header `Content-Type` names it
 * @returns null where the encoding is one that browsers refuse to decode
 */
export function decodeText(bytes: Buffer, charset?: string): string | null {
  const options = {
    transportLayerEncodingLabel: charset ?? '',
    defaultEncoding: isUtf8(withoutCutCharacter(bytes)) ? 'utf-8' : 'windows-1252',
  }
  // Several times faster than the library's own decoder, which is needed for the others: Node takes
  // windows-1252 for ISO 8859-1.
  if (getEncoding(bytes, options) === 'UTF-8') return bytes.toString('utf8', hasMark(bytes) ? 3 : 0)
  try {
    return decodeBuffer(bytes, options)
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  }
}

/** `charset` of a header `Content-Type`. */
export function charsetOf(contentType: string): string | undefined {
  return /charset\s*=\s*["']?([^\s;"']+)/i.exec(contentType)?.[1]
}

function hasMark(bytes: Buffer): boolean {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf
}

/** A page that was cut may end within a character, and is UTF-8 all the same. */
function withoutCutCharacter(bytes: Buffer): Buffer {
  let end = bytes.length
  while (end > 0 && bytes.length - end < 4 && (bytes[end - 1] ?? 0) >= 0x80) end--
  return bytes.subarray(0, end)
}
