/** Whether a body starts like HTML: with a tag, a doctype or a comment. */
export function looksLikeHtml(body: Buffer): boolean {
  return /^(\xef\xbb\xbf)?\s*<[!?a-z]/i.test(body.toString('latin1', 0, 256))
}
