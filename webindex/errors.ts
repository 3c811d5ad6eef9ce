import type { BadRow } from './source.ts'

/** A problem that the user can solve. Its message is shown to the user as it is. */
export abstract class IndexProblem extends Error {}

const buildStarter = 'npm run index -- starter'

/** Nothing has been built in this folder yet. */
export class NoIndex extends IndexProblem {
  readonly dir: string
  constructor(dir: string) {
    super(`There is no index in ${dir}. Build the starter index with: ${buildStarter}`)
    this.name = 'NoIndex'
    this.dir = dir
  }
}

/** The folder holds a damaged index, or one in a format that this version can't read. */
export class BrokenIndex extends IndexProblem {
  readonly dir: string
  /** @param reason a sentence fragment. @param options.remedy a sentence. */
  constructor(dir: string, reason: string, options: ErrorOptions & { remedy?: string } = {}) {
    const { remedy = `Build it again with: ${buildStarter}`, ...cause } = options
    super(`The index in ${dir} can't be read: ${reason}. ${remedy}`, cause)
    this.name = 'BrokenIndex'
    this.dir = dir
  }
  /** Whether a build may replace the index, because nothing in it can be used any more. */
  get replaceable(): boolean {
    return true
  }
}

/** Written by an earlier version, which stored no texts. Nothing in it can be used: replaceable. */
export class OlderIndex extends BrokenIndex {
  constructor(dir: string) {
    super(dir, 'it was written by an older version of this program')
    this.name = 'OlderIndex'
  }
}

/** Written by a later version, which can still read it: not replaceable. */
export class LaterIndex extends BrokenIndex {
  constructor(dir: string) {
    super(dir, 'it was written by a later version of this program', {
      remedy: 'Use that version, or set INDEX_DIR to another folder.',
    })
    this.name = 'LaterIndex'
  }
  override get replaceable(): boolean {
    return false
  }
}

/**
 * The generation was removed during a read. A lease prevents this, except in a folder where no
 * lease can be written. A retry reads the generation that is live by then.
 */
export class GenerationGone extends Error {
  readonly generation: string
  constructor(generation: string, options?: ErrorOptions) {
    super(
      `The index was replaced during the search (generation ${generation} is gone). A new attempt reads the new index.`,
      options,
    )
    this.name = 'GenerationGone'
    this.generation = generation
  }
}

/** Another process is building this index. Concurrent builds would delete each other's files. */
export class BuildRunning extends IndexProblem {
  /** @param owner null if the lock file can't be read */
  constructor(owner: { pid: number; hostname: string } | null, lockFile: string) {
    const builder = owner ? `Process ${owner.pid} on ${owner.hostname}` : 'Another process'
    super(
      `${builder} is building this index. Try again when it has finished. If no such build is running, delete ${lockFile} first.`,
    )
    this.name = 'BuildRunning'
  }
}

const unchanged = 'The index was not changed.'

/** The dataset has no row that can be indexed; the live generation stays live. */
export class NothingToIndex extends IndexProblem {
  readonly samples: BadRow[]
  constructor(dataset: string, bad: number, samples: BadRow[]) {
    const advice =
      bad > 0
        ? `Could not read ${rowCount(bad)}, such as: ${listed(samples)}.`
        : 'Check that it is of the kind that you chose.'
    super(`Found nothing to index in ${dataset}. ${unchanged} ${advice}`)
    this.name = 'NothingToIndex'
    this.samples = samples
  }
}

/** The dataset has more bad rows than good: it is probably of another kind than the user chose. */
export class TooManyBad extends IndexProblem {
  readonly samples: BadRow[]
  constructor(dataset: string, { bad, good }: { bad: number; good: number }, samples: BadRow[]) {
    const counts = `${bad.toLocaleString('en')} of ${rowCount(bad + good)}`
    super(
      `Most of ${dataset} could not be read (${counts}). ${unchanged} Check that it is of the kind that you chose. Examples: ${listed(samples)}.`,
    )
    this.name = 'TooManyBad'
    this.samples = samples
  }
}

function rowCount(rows: number): string {
  return `${rows.toLocaleString('en')} ${rows === 1 ? 'row' : 'rows'}`
}

function listed(samples: BadRow[]): string {
  return samples
    .slice(0, 3)
    .map(({ place, reason }) => `${place}: ${reason}`)
    .join('; ')
}

/** A build needs more disk space than is free, or has filled the disk. */
export class NotEnoughDisk extends IndexProblem {
  /** @param options.needed bytes. @param options.free bytes. */
  constructor(dir: string, options: ErrorOptions & { needed?: number; free?: number } = {}) {
    const { needed, free, ...cause } = options
    const numbers =
      needed === undefined || free === undefined
        ? 'it is full'
        : `the build needs about ${inWords(needed)}, and ${inWords(free)} are free`
    super(
      `There is not enough space on the disk of ${dir}: ${numbers}. ${unchanged} Free some space, then try again.`,
      cause,
    )
    this.name = 'NotEnoughDisk'
  }
}

function inWords(bytes: number): string {
  return bytes < 1e9 ? `${Math.ceil(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`
}

/** The dataset to be removed is not in the index. */
export class NoSuchDataset extends IndexProblem {
  constructor(name: string, indexed: string[]) {
    const advice =
      indexed.length > 0 ? `Give one of its sources: ${indexed.join(', ')}.` : 'It has no sources.'
    super(`The index has no source named ${name}. ${advice}`)
    this.name = 'NoSuchDataset'
  }
}

/** A dataset's name could not be shown on one line and typed again. */
export class UnusableDatasetName extends IndexProblem {
  constructor(reason: string) {
    super(`A source can't have this name: ${reason}. Choose another name.`)
    this.name = 'UnusableDatasetName'
  }
}

/** A query needs more memory than all searches of a process may use together. */
export class NotEnoughMemory extends Error {
  constructor(limitMb: number, options?: ErrorOptions) {
    super(
      `This search needs more memory than searches may use here (${limitMb} MB). Narrow it, or raise INDEX_MEMORY_MB.`,
      options,
    )
    this.name = 'NotEnoughMemory'
  }
}
