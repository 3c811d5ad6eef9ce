import { join } from 'node:path'
import type { Dataset } from '../../source.ts'
import { caniuseDocuments } from './caniuse-documents.ts'
import { packageDocuments } from './package-documents.ts'

/**
 * The dataset of the starter index: real pages that the installed packages contain. Downloads
 * nothing.
 * @param seenAt the date of the packages' pages, which have no usable dates of their own.
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
      const onPackage = (done: number, total: number) =>
        onProgress({ done, total, unit: 'packages' })
      const options = { nodeModules, seenAt, signal, onProgress: onPackage }
      for await (const page of packageDocuments(options)) yield { page }
      for await (const page of caniuseDocuments(join(nodeModules, 'caniuse-db'), { signal }))
        yield { page }
    },
  }
}
