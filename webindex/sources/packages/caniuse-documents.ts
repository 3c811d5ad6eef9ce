import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { z } from 'zod'
import type { DocumentLink, WebDocument } from '../../pages/document.ts'

const Feature = z.object({
  title: z.string(),
  description: z.string(),
  spec: z.string(),
  links: z.array(z.object({ url: z.string(), title: z.string() })),
})
/** `updated`: when the data was published, in Unix seconds. */
const DataSet = z.object({ updated: z.number().positive() })

const source = 'caniuse-db (CC-BY-4.0)'

/**
 * One page per feature of caniuse.com, with the links on it. `seenAt` is the publication date of
 * the data.
 * @param dir the folder of the installed package `caniuse-db`; if absent, there are no documents.
 */
export async function* caniuseDocuments(
  dir: string,
  { signal }: { signal: AbortSignal },
): AsyncGenerator<WebDocument> {
  if (!existsSync(dir)) return
  const { updated } = DataSet.parse(JSON.parse(await readFile(join(dir, 'data.json'), 'utf8')))
  const seenAt = new Date(updated * 1000)
  const features = join(dir, 'features-json')
  for (const file of (await readdir(features)).sort()) {
    signal.throwIfAborted()
    if (!file.endsWith('.json')) continue
    const { title, description, spec, links } = Feature.parse(
      JSON.parse(await readFile(join(features, file), 'utf8')),
    )
    const url = `https://caniuse.com/${basename(file, '.json')}`
    const words = description.match(/[\p{L}\p{N}]+/gu)?.length ?? 0
    // The page shows the link to the specification as a status badge, so it has no anchor text.
    const shown = [{ url: spec, title: '' }, ...links].filter((link) => link.url)
    const toLink = (link: { url: string; title: string }): DocumentLink => ({
      href: link.url,
      anchor: link.title,
      nofollow: false,
      kind: 'text',
    })
    yield { url, title, words, text: description, seenAt, source, links: shown.map(toLink) }
  }
}
