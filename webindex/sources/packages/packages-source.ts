import { join } from 'node:path'
import type { Dataset } from '../../source.ts'
import { caniuseDocuments } from './caniuse-documents.ts'
import { packageDocuments } from './package-documents.ts'

/**
 * What the first index is made of: real pages that are on this machine already. Nothing is
 * downloaded.
 * @param seenAt packages carry no usable dates, so each of their pages was seen now.
 */
export function starterSource({
  nodeModules,
  seenAt,
}: {
  nodeModules: string
  seenAt: Date
}): Dataset {
  return {
    name: 'packages',
    kind: 'packages',
    bytes: null,
    async *items({ signal, onProgress }) {
      const tell = (done: number, total: number) => onProgress({ done, total, unit: 'packages' })
      for await (const page of packageDocuments({ nodeModules, seenAt, signal, onProgress: tell }))
        yield { page }
      for await (const page of caniuseDocuments(join(nodeModules, 'caniuse-db'), { signal }))
        yield { page }
    },
  }
}
