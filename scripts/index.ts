import { realpath } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { indexDir, openDataDir } from '#local/data-dir.ts'
import { describeBuild, indexBuild } from '#searches/index-build.ts'
import { createBuilds } from '#webindex/build/build-index.ts'
import type { Built } from '#webindex/build/builds.ts'
import { IndexProblem } from '#webindex/errors.ts'
import { readStats } from '#webindex/query/index-stats.ts'
import { BadSource } from '#webindex/sources/files/bad-source.ts'
import { createImports, type ImportOrder, importKinds } from '#webindex/sources/find-source.ts'
import { runOnServer } from './follow-job.ts'
import { hasIndex } from './has-index.ts'
import { CannotCall, type ServerAddress, serverFromEnvironment } from './server-address.ts'
import { printStatus, showProgress } from './terminal.ts'

const usage = `Usage: npm run index -- <command>

  add warc FILE|FOLDER                        web archives (Common Crawl and others), .warc or .warc.gz
  add wat FILE|FOLDER                         Common Crawl's metadata of web archives: links and titles, no text
  add html FOLDER --base-url URL              HTML and Markdown files that are published at this address
  add search-console ZIP|CSV|FOLDER --property P    exports of Google Search Console
  add webgraph VERTICES [--edges FILE] [--ranks FILE] [--target DOMAIN]…    Common Crawl's domain graph
  add packages                                the documents of the installed npm packages, and caniuse-db
      --name NAME                             names the source; adding the same name again replaces it
  remove SOURCE                               removes a source from the index
  compact                                     rewrites the index without unused data
  stats                                       shows what the index contains
  starter [--if-missing]                      same as add packages; with --if-missing, only if there is no index

The index is in INDEX_DIR (default: .data/index). Running searches keep using the previous index.
If SEARCHLIGHT_KEY is set to an admin's API key, the server at SEARCHLIGHT_URL runs the build as a job; paths are relative to its IMPORT_DIR.`

const nodeModules = join(import.meta.dirname, '..', 'node_modules')
const number = new Intl.NumberFormat('en')
const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`
const plural = (n: number, noun: string) => `${number.format(n)} ${noun}${n === 1 ? '' : 's'}`

type AddCommand = { action: 'add' } & ImportOrder
type Command =
  | AddCommand
  | { action: 'remove'; name: string }
  | { action: 'compact' }
  | { action: 'stats' }
  | { action: 'starter' }

class WrongUsage extends Error {}

function readCommand(args: string[]): Command {
  const { values, positionals } = parse(args)
  const [action, ...words] = positionals
  if (action === 'remove' && words.length === 1) return { action, name: words[0] ?? '' }
  if (action === 'compact' && words.length === 0) return { action }
  if (action === 'stats' && words.length === 0) return { action }
  if (action === 'starter' && words.length === 0)
    return values['if-missing'] ? { action } : addCommand('packages', '', values)
  if (action !== 'add')
    throw new WrongUsage(action ? `Unknown command: ${positionals.join(' ')}` : '')
  const [givenKind, path = '', ...rest] = words
  const kind = importKinds.find((candidate) => candidate === givenKind)
  if (!kind) throw new WrongUsage(`Name what to add: ${importKinds.join(', ')}.`)
  if (rest.length > 0)
    throw new WrongUsage(`Add one file or folder at a time. Unexpected: ${rest.join(' ')}`)
  return addCommand(kind, path, values)
}

function parse(args: string[]) {
  const text = { type: 'string' } as const
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        name: text,
        'base-url': text,
        property: text,
        edges: text,
        ranks: text,
        target: { type: 'string', multiple: true },
        'if-missing': { type: 'boolean' },
      },
    })
  } catch (error) {
    throw new WrongUsage(error instanceof Error ? error.message : String(error))
  }
}

function addCommand(
  kind: ImportOrder['kind'],
  path: string,
  values: ReturnType<typeof parse>['values'],
): AddCommand {
  return {
    action: 'add',
    kind,
    path,
    name: values.name ?? '',
    baseUrl: values['base-url'] ?? '',
    property: values.property ?? '',
    edges: values.edges ?? '',
    ranks: values.ranks ?? '',
    targets: values.target ?? [],
  }
}

/** Builds in this process. Paths are relative to the folder in which the user typed the command. */
async function buildLocally(
  command: Exclude<Command, { action: 'stats' | 'starter' }>,
  dir: string,
  signal: AbortSignal,
): Promise<Built> {
  const builds = createBuilds({ dir, now: () => new Date() })
  const options = { signal, onProgress: progressPrinter() }
  if (command.action === 'remove') return builds.remove(command.name, options)
  if (command.action === 'compact') return builds.compact(options)
  const userDir = process.env.INIT_CWD ?? process.cwd()
  const absolute = (path: string) => (path ? resolve(userDir, path) : '')
  const imports = createImports({ open: realPathOf, nodeModules, now: () => new Date() })
  const order = {
    ...command,
    path: absolute(command.path),
    edges: absolute(command.edges),
    ranks: absolute(command.ranks),
  }
  return builds.add(await imports.find(order), options)
}

async function realPathOf(path: string): Promise<string> {
  return realpath(path).catch(() => {
    throw new BadSource(`There is no file or folder ${path}.`)
  })
}

/** Builds on the server, as a job. */
function buildOnServer(
  command: Exclude<Command, { action: 'stats' | 'starter' }>,
  server: ServerAddress,
): Promise<number> {
  const input =
    command.action === 'add' ? { ...command, targets: command.targets.join('\n') } : command
  return runOnServer({ search: indexBuild.name, input }, server)
}

/** Shows a progress bar on a terminal; elsewhere, prints the name of each phase once. */
function progressPrinter() {
  let lastPhase = ''
  return (progress: Parameters<typeof showProgress>[0]) => {
    if (progress.phase !== lastPhase && !process.stderr.isTTY) console.error(`${progress.phase}…`)
    lastPhase = progress.phase
    showProgress(progress)
  }
}

async function printStats(dir: string, signal: AbortSignal): Promise<void> {
  const { id, builtAt, bytes, counts, sources, topTargets } = await readStats(dir, { signal })
  const facts = [
    ['generation', id],
    ['built at', builtAt],
    ['size', megabytes(bytes)],
    ['pages', number.format(counts.pages)],
    ['links', number.format(counts.links)],
    ['external links', `${number.format(counts.externalLinks)} (to another site)`],
    ['sites', `${number.format(counts.sites)} (with pages in the index)`],
    ['target sites', `${number.format(counts.targetSites)} (linked to from another site)`],
    ['phrases', number.format(counts.phrases)],
    ['queries', `${number.format(counts.queries)} (from query logs)`],
  ]
  for (const [name, value] of facts) console.log(`${name?.padEnd(16)}${value}`)
  console.log('\nSources:')
  for (const { name, addedAt, ...held } of sources) {
    const parts = [
      [held.pages, 'page', 'pages'],
      [held.queries, 'query', 'queries'],
      [held.edges, 'site-to-site link', 'site-to-site links'],
      [held.ranks, 'ranked site', 'ranked sites'],
    ] as const
    const contents = parts.flatMap(([count, one, many]) =>
      count > 0 ? [`${number.format(count)} ${count === 1 ? one : many}`] : [],
    )
    console.log(`  ${name.padEnd(36)}${contents.join(', ')} (added ${addedAt.slice(0, 10)})`)
  }
  console.log('\nMost linked to:')
  for (const target of topTargets) {
    console.log(
      `  ${target.site.padEnd(36)}${plural(target.sites, 'site')}, ${plural(target.links, 'link')}`,
    )
  }
}

/** @returns the exit code */
async function main(args: string[]): Promise<number> {
  const command = readCommand(args)
  const dir = indexDir(openDataDir(process.env), process.env)
  const server = serverFromEnvironment(process.env)
  const stop = new AbortController()
  if (command.action !== 'stats' && command.action !== 'starter' && server)
    return buildOnServer(command, server)

  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.once(name, () => stop.abort(new Stopped()))
  if (command.action === 'stats') {
    await printStats(dir, stop.signal)
    return 0
  }
  if (command.action === 'starter' && (await hasIndex(dir))) {
    console.log(`There is already an index in ${dir}.`)
    return 0
  }
  const started = performance.now()
  const built = await buildLocally(
    command.action === 'starter' ? addCommand('packages', '', {}) : command,
    dir,
    stop.signal,
  )
  printStatus('')
  for (const sentence of describeBuild(built)) console.log(sentence)
  console.log(`Done in ${((performance.now() - started) / 1000).toFixed(1)} s.`)
  return 0
}

class Stopped extends Error {
  override message = 'Stopped. The index is unchanged.'
}

/** Prints an error. @returns the exit code: 2 if the command line is invalid */
function printFailure(error: unknown): number {
  if (error instanceof WrongUsage) {
    console.error([error.message, usage].filter(Boolean).join('\n\n'))
    return 2
  }
  const isExpected = [Stopped, IndexProblem, CannotCall].some((kind) => error instanceof kind)
  console.error(isExpected && error instanceof Error ? error.message : error)
  return 1
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  process.exitCode = printFailure(error)
}
