import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { DocumentLink, WebDocument } from '#webindex/document.ts'

/** A folder of the test's own, removed when it ends. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'searchlight-index-test-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** @param files content by path; a value that isn't text is written as JSON. */
export function writeTree(folder: string, files: Record<string, unknown>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), typeof content === 'string' ? content : JSON.stringify(content))
  }
}

export function linkTo(href: string, facts: Partial<DocumentLink> = {}): DocumentLink {
  return { href, anchor: '', nofollow: false, kind: 'text', ...facts }
}

export function pageAt(url: string, links: (string | DocumentLink)[], facts: Partial<WebDocument> = {}): WebDocument {
  const written = links.map((link) => (typeof link === 'string' ? linkTo(link) : link))
  return { url, title: url, words: 1, text: '', seenAt: new Date('2026-01-02T03:04:05.678Z'), source: 'fixture', links: written, ...facts }
}

export async function* documents(pages: Iterable<WebDocument>): AsyncGenerator<WebDocument> {
  yield* pages
}

export async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = []
  for await (const item of items) all.push(item)
  return all
}
