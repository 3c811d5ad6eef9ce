import { buildIndex } from '#webindex/build/build-index.ts'
import type { WebDocument } from '#webindex/pages/document.ts'

/** The domain that every site of the index links to. */
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
 * Builds an index with so many files that a search takes seconds: long enough to kill a process
 * during it.
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
