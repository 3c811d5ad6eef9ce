import { buildIndex } from '#webindex/build/build-index.ts'
import type { WebDocument } from '#webindex/pages/document.ts'

/** A target that every site of the index links to. */
export const everybodysTarget = 'example.org'

async function* documents(sites: number): AsyncGenerator<WebDocument> {
  for (let i = 0; i < sites; i++) {
    yield {
      url: `https://site-${i}.com/`,
      title: `Site ${i}`,
      words: 100,
      text: '',
      seenAt: new Date('2026-01-01T00:00:00Z'),
      source: 'written by a test',
      links: [
        {
          href: `https://${everybodysTarget}/${i % 7}`,
          anchor: 'an example',
          nofollow: i % 5 === 0,
          kind: 'text',
        },
      ],
    }
  }
}

/**
 * An index in so many files that a search of it takes some seconds: long enough to end a process in
 * the midst of it.
 */
export async function buildIndexOfManyShards(
  dir: string,
  { shards = 512, sites = 2_000 } = {},
): Promise<{ sites: number }> {
  await buildIndex(documents(sites), {
    dir,
    shards,
    signal: new AbortController().signal,
    now: () => new Date(),
  })
  return { sites }
}
