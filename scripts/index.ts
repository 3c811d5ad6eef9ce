import { join } from 'node:path'
import { z } from 'zod'
import { InvalidSettings, readSettings } from '#jobs/settings.ts'
import { createBuilds } from '#webindex/build-index.ts'
import type { BuildProgress } from '#webindex/builds.ts'
import { BrokenIndex, BuildRunning, NoIndex, NotEnoughDisk, NothingToIndex, OlderIndex } from '#webindex/errors.ts'
import { readStats } from '#webindex/index-stats.ts'
import { readManifest } from '#webindex/manifest.ts'
import { starterSource } from '#webindex/starter-documents.ts'

const usage = `Usage: npm run index -- <command>

  starter               build the index from the documents of the installed npm packages and caniuse-db
  starter --if-missing  the same, unless there is an index already
  stats                 say what the index holds

The index is in INDEX_DIR (.data/index unless set).`

const nodeModules = join(import.meta.dirname, '..', 'node_modules')
const number = new Intl.NumberFormat('en')
const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`
const plural = (n: number, noun: string) => `${number.format(n)} ${noun}${n === 1 ? '' : 's'}`

async function buildStarter(dir: string, signal: AbortSignal): Promise<void> {
  const started = performance.now()
  console.log(`Building the starter index in ${dir} from the documents of the installed packages…`)
  const builds = createBuilds({ dir, now: () => new Date() })
  const { manifest } = await builds.add(starterSource({ nodeModules, seenAt: new Date() }), {
    signal,
    onProgress: tellEveryTenth(),
  })
  const { counts } = manifest
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  console.log(
    `Done in ${seconds} s: ${plural(counts.pages, 'page')} of ${plural(counts.sites, 'site')}, ${plural(counts.links, 'link')}.`,
  )
}

function tellEveryTenth() {
  let told = 0
  return ({ done, total, unit }: BuildProgress) => {
    if (unit !== 'packages' || total === null) return
    const tenths = Math.floor((done / total) * 10)
    if (tenths === told) return
    told = tenths
    console.log(`  read ${number.format(done)} of ${plural(total, 'package')}`)
  }
}

async function hasIndex(dir: string): Promise<boolean> {
  try {
    await readManifest(dir)
    return true
  } catch (error) {
    if (error instanceof NoIndex || error instanceof OlderIndex) return false
    throw error
  }
}

async function tellStats(dir: string, signal: AbortSignal): Promise<void> {
  const { id, builtAt, bytes, counts, sources, topTargets } = await readStats(dir, { signal })
  const facts = [
    ['generation', id],
    ['built at', builtAt],
    ['size', megabytes(bytes)],
    ['pages', number.format(counts.pages)],
    ['links', number.format(counts.links)],
    ['external links', `${number.format(counts.externalLinks)} (to another site)`],
    ['sites', `${number.format(counts.sites)} (with pages here)`],
    ['target sites', `${number.format(counts.targetSites)} (linked to from another site)`],
    ...sources.map((source) => ['source', `${source.name}: ${plural(source.pages, 'page')}`]),
  ]
  for (const [name, value] of facts) console.log(`${name?.padEnd(16)}${value}`)
  console.log('\nMost linked to:')
  for (const target of topTargets) {
    console.log(`  ${target.site.padEnd(36)}${plural(target.sites, 'site')}, ${plural(target.links, 'link')}`)
  }
}

/** @returns the exit code: 2 when the command is not understood. */
async function main(args: string[]): Promise<number> {
  const { INDEX_DIR: dir } = readSettings(z.object({ INDEX_DIR: z.string().min(1).default('.data/index') }), process.env)
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort(new Stopped()))

  const command = args.join(' ')
  if (command === 'stats') await tellStats(dir, stop.signal)
  else if (command === 'starter') await buildStarter(dir, stop.signal)
  else if (command === 'starter --if-missing') {
    if (await hasIndex(dir)) console.log(`There is an index in ${dir} already.`)
    else await buildStarter(dir, stop.signal)
  } else {
    console.error(command ? `Unknown command: ${command}\n\n${usage}` : usage)
    return 2
  }
  return 0
}

class Stopped extends Error {
  override message = 'Stopped. The index was left as it was.'
}

function isForPeople(error: unknown): error is Error {
  return [Stopped, NoIndex, BrokenIndex, BuildRunning, NothingToIndex, NotEnoughDisk, InvalidSettings].some(
    (kind) => error instanceof kind,
  )
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  console.error(isForPeople(error) ? error.message : error)
  process.exitCode = 1
}
