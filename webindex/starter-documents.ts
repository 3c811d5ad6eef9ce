import { join } from 'node:path'
import { caniuseDocuments } from './caniuse-documents.ts'
import type { WebDocument } from './document.ts'
import { type PackageSource, packageDocuments } from './package-documents.ts'

/** What the first index is made of: real pages that are on this machine already. Nothing is downloaded. */
export async function* starterDocuments(packages: PackageSource): AsyncGenerator<WebDocument> {
  yield* packageDocuments(packages)
  yield* caniuseDocuments(join(packages.nodeModules, 'caniuse-db'), packages)
}
