import type { WebAddress } from '#webindex/pages/web-address.ts'
import type { CrawlOrder } from './web.ts'

/** Says whether a page belongs to a crawl. */
export type InScope = (address: WebAddress) => boolean

/** @param start where the crawl began, redirects followed */
export function scopeOf(start: WebAddress, scope: CrawlOrder['scope']): InScope {
  if (scope === 'site') return ({ site }) => site === start.site
  const placeOf = ({ host, url }: WebAddress) => `${host}:${new URL(url).port}`
  const place = placeOf(start)
  if (scope === 'host') return (address) => placeOf(address) === place
  const folder = folderOf(new URL(start.url).pathname)
  // The folder itself may be written without its last slash.
  return (address) =>
    placeOf(address) === place && `${new URL(address.url).pathname}/`.startsWith(folder)
}

/** `/docs/` of `/docs/`, `/docs` and `/docs/intro.html`: a last part with a dot is a file. */
function folderOf(path: string): string {
  const parts = path.split('/')
  const last = parts.pop() ?? ''
  return last === '' || last.includes('.') ? `${parts.join('/')}/` : `${path}/`
}

/** What an address ends with that leads to no page. */
const notPages =
  /\.(?:7z|apk|avi|avif|bmp|bz2|css|csv|deb|dmg|docx?|eot|epub|exe|gif|gz|ico|iso|jar|jpe?g|mkv|mov|mp[34]|mpe?g|msi|og[gv]|otf|pdf|png|pptx?|rar|rpm|rss|svg|tar|tgz|tiff?|ttf|wav|webm|webp|woff2?|xlsx?|xz|zip)$/i
/** Folders in folders: more of them come from links that grow with every click. */
const mostParts = 20

/** Whether an address looks like one of a page that somebody made. */
export function looksLikePage(url: URL): boolean {
  return !notPages.test(url.pathname) && url.pathname.split('/').length <= mostParts + 1
}
