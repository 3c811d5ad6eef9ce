/**
 * Use this instead of `URL.canParse`: once a process has called that often, Node 20 compiles it and
 * from then on refuses addresses with Latin-1 letters, such as https://bücher.de/.
 * @returns null for what is no URL.
 */
export function parseUrl(href: string, base?: string | URL): URL | null {
  try {
    return new URL(href, base)
  } catch {
    return null
  }
}
