import type { WebAddress } from '#webindex/pages/web-address.ts'
import type { CrawlOrder } from './web.ts'

/** Whether a page belongs to a crawl. */
export type InScope = (address: WebAddress) => boolean

/** @param start the start page, after redirects */
export function scopeOf(start: WebAddress, scope: CrawlOrder['scope']): InScope {
  if (scope === 'site') return ({ site }) => site === start.site
  const hostAndPort = ({ host, url }: WebAddress) => `${host}:${new URL(url).port}`
  const startHost = hostAndPort(start)
  if (scope === 'host') return (address) => hostAndPort(address) === startHost
  const folder = folderOf(new URL(start.url).pathname)
  // The address of the folder itself may lack the trailing slash.
  return (address) =>
    hostAndPort(address) === startHost && `${new URL(address.url).pathname}/`.startsWith(folder)
}

/** `/docs/` for `/docs/`, `/docs` and `/docs/intro.html`: a last segment with a dot is a file. */
function folderOf(path: string): string {
  const parts = path.split('/')
  const last = parts.pop() ?? ''
  return last === '' || last.includes('.') ? `${parts.join('/')}/` : `${path}/`
}

/** Endings of addresses that lead to files rather than pages. */
const fileEndings =
  /\.(?:7z|apk|avi|avif|bmp|bz2|css|csv|deb|dmg|docx?|eot|epub|exe|gif|gz|ico|iso|jar|jpe?g|mkv|mov|mp[34]|mpe?g|msi|og[gv]|otf|pdf|png|pptx?|rar|rpm|rss|svg|tar|tgz|tiff?|ttf|wav|webm|webp|woff2?|xlsx?|xz|zip)$/i
/** Deeper paths come from relative links that grow with every click. */
const maxSegments = 20

/** Whether an address may be a page, rather than a file or an endless path. */
export function looksLikePage(url: URL): boolean {
  return !fileEndings.test(url.pathname) && url.pathname.split('/').length <= maxSegments + 1
}
