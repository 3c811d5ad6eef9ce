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
import { showProgress, tell } from './terminal.ts'

const usage = `Usage: npm run index -- <command>

  add warc FILE|FOLDER                        web archives (Common Crawl and others), .warc or .warc.gz
  add wat FILE|FOLDER                         Common Crawl's metadata of them: links and titles without texts
  add html FOLDER --base-url URL              HTML and Markdown that is published at this address
  add search-console ZIP|CSV|FOLDER --property P    exports of Google Search Console
  add webgraph VERTICES [--edges FILE] [--ranks FILE] [--target DOMAIN]…    Common Crawl's domain graph
  add packages                                the documents of the installed npm packages, and caniuse-db
      --name NAME                             calls the source so; the same name again replaces it
  remove SOURCE                               takes a source out of the index
  compact                                     writes the index anew, without what nobody uses
  stats                                       says what the index holds
  starter [--if-missing]                      the same as add packages; only where there is no index yet

The index is in INDEX_DIR (.data/index unless set). Searches that run meanwhile go on with the index as it was.
With SEARCHLIGHT_KEY, the API key of an admin, the build is a job of the server at SEARCHLIGHT_URL, and paths are below its IMPORT_DIR.`

const nodeModules = join(import.meta.dirname, '..', 'node_modules')
const number = new Intl.NumberFormat('en')
const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`
const plural = (n: number, noun: string) => `${number.format(n)} ${noun}${n === 1 ? '' : 's'}`

type Order = { action: 'add' } & ImportOrder
type Command =
  | Order
  | { action: 'remove'; name: string }
  | { action: 'compact' }
  | { action: 'stats' }
  | { action: 'starter' }

class Misunderstood extends Error {}

function readCommand(args: string[]): Command {
  const { values, positionals } = parse(args)
  const [action, ...words] = positionals
  if (action === 'remove' && words.length === 1) return { action, name: words[0] ?? '' }
  if (action === 'compact' && words.length === 0) return { action }
  if (action === 'stats' && words.length === 0) return { action }
  if (action === 'starter' && words.length === 0)
    return values['if-missing'] ? { action } : orderOf('packages', '', values)
  if (action !== 'add')
    throw new Misunderstood(action ? `Unknown command: ${positionals.join(' ')}` : '')
  const [written, path = '', ...rest] = words
  const kind = importKinds.find((each) => each === written)
  if (!kind) throw new Misunderstood(`Say what to add: ${importKinds.join(', ')}.`)
  if (rest.length > 0)
    throw new Misunderstood(`One file or folder at a time: ${rest.join(' ')} is too much.`)
  return orderOf(kind, path, values)
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
    throw new Misunderstood(error instanceof Error ? error.message : String(error))
  }
}

function orderOf(
  kind: ImportOrder['kind'],
  path: string,
  values: ReturnType<typeof parse>['values'],
): Order {
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

/** Here, in this process. Paths are those of whoever types, wherever that is. */
async function runHere(
  command: Exclude<Command, { action: 'stats' | 'starter' }>,
  dir: string,
  signal: AbortSignal,
): Promise<Built> {
  const builds = createBuilds({ dir, now: () => new Date() })
  const options = { signal, onProgress: tellProgress() }
  if (command.action === 'remove') return builds.remove(command.name, options)
  if (command.action === 'compact') return builds.compact(options)
  const typedIn = process.env.INIT_CWD ?? process.cwd()
  const below = (path: string) => (path ? resolve(typedIn, path) : '')
  const imports = createImports({ open: openHere, nodeModules, now: () => new Date() })
  const order = {
    ...command,
    path: below(command.path),
    edges: below(command.edges),
    ranks: below(command.ranks),
  }
  return builds.add(await imports.find(order), options)
}

async function openHere(path: string): Promise<string> {
  return realpath(path).catch(() => {
    throw new BadSource(`There is no file or folder ${path}.`)
  })
}

/** On the server, as any search. */
function runThere(
  command: Exclude<Command, { action: 'stats' | 'starter' }>,
  server: ServerAddress,
): Promise<number> {
  const input =
    command.action === 'add' ? { ...command, targets: command.targets.join('\n') } : command
  return runOnServer({ search: indexBuild.name, input }, server)
}

/** Each phase once where nobody looks, and as a bar where somebody does. */
function tellProgress() {
  let told = ''
  return (progress: Parameters<typeof showProgress>[0]) => {
    if (progress.phase !== told && !process.stderr.isTTY) console.error(`${progress.phase}…`)
    told = progress.phase
    showProgress(progress)
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
    ['phrases', number.format(counts.phrases)],
    ['queries', `${number.format(counts.queries)} (of query logs)`],
  ]
  for (const [name, value] of facts) console.log(`${name?.padEnd(16)}${value}`)
  console.log('\nSources:')
  for (const { name, addedAt, ...held } of sources) {
    const parts = [
      [held.pages, 'page', 'pages'],
      [held.queries, 'query', 'queries'],
      [held.edges, 'linking pair of sites', 'linking pairs of sites'],
      [held.ranks, 'ranked site', 'ranked sites'],
    ] as const
    const told = parts.flatMap(([count, one, many]) =>
      count > 0 ? [`${number.format(count)} ${count === 1 ? one : many}`] : [],
    )
    console.log(`  ${name.padEnd(36)}${told.join(', ')} (added ${addedAt.slice(0, 10)})`)
  }
  console.log('\nMost linked to:')
  for (const target of topTargets) {
    console.log(
      `  ${target.site.padEnd(36)}${plural(target.sites, 'site')}, ${plural(target.links, 'link')}`,
    )
  }
}

/** @returns the exit code: 2 when the command is not understood. */
async function main(args: string[]): Promise<number> {
  const command = readCommand(args)
  const dir = indexDir(openDataDir(process.env), process.env)
  const server = serverFromEnvironment(process.env)
  const stop = new AbortController()
  if (command.action !== 'stats' && command.action !== 'starter' && server)
    return runThere(command, server)

  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.once(name, () => stop.abort(new Stopped()))
  if (command.action === 'stats') {
    await tellStats(dir, stop.signal)
    return 0
  }
  if (command.action === 'starter' && (await hasIndex(dir))) {
    console.log(`There is an index in ${dir} already.`)
    return 0
  }
  const started = performance.now()
  const built = await runHere(
    command.action === 'starter' ? orderOf('packages', '', {}) : command,
    dir,
    stop.signal,
  )
  tell('')
  for (const sentence of describeBuild(built)) console.log(sentence)
  console.log(`Done in ${((performance.now() - started) / 1000).toFixed(1)} s.`)
  return 0
}

class Stopped extends Error {
  override message = 'Stopped. The index was left as it was.'
}

function tellFailure(error: unknown): number {
  if (error instanceof Misunderstood) {
    console.error([error.message, usage].filter(Boolean).join('\n\n'))
    return 2
  }
  const forPeople = [Stopped, IndexProblem, CannotCall].some((kind) => error instanceof kind)
  console.error(forPeople && error instanceof Error ? error.message : error)
  return 1
}

try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  process.exitCode = tellFailure(error)
}
