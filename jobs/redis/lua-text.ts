/** The text without its comments. A `--` in a string must not follow a space. */
export function withoutComments(text: string): string {
  return text
    .replace(/--\[\[[\s\S]*?\]\]/g, '')
    .replace(/(^| )--.*$/gm, '')
    .replace(/\n\s*\n+/g, '\n')
}

/** A function of a text's outermost level, on one line or up to the `end` at the start of a line. */
const outerFunction =
  /^local (?:function (\w+)|(\w+) = function)\b(?:.*[ )]end$|[\s\S]*?\nend$)\n?/gm

/**
 * The text without the functions of its outermost level that it never calls. Redis makes each
 * function of a script anew whenever it runs it.
 */
export function withoutUncalled(text: string): string {
  for (;;) {
    const kept = text.replace(outerFunction, (found, name: string, assigned: string) => {
      const uses = new RegExp(`\\b${name ?? assigned}\\b`, 'g')
      const count = (of: string) => of.match(uses)?.length ?? 0
      return count(text) > count(found) ? found : ''
    })
    if (kept === text) return text
    text = kept
  }
}
