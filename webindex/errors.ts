import type { BadRow } from './source.ts'

/**
 * What went wrong is for the person who asked, who can do something about it: the message is shown
 * as it is.
 */
export abstract class IndexProblem extends Error {}

/** Nothing has been built in this folder yet. */
export class NoIndex extends IndexProblem {
  readonly dir: string
  constructor(dir: string) {
    super(`There is no index in ${dir}. Build the starter index with: npm run index -- starter`)
    this.name = 'NoIndex'
    this.dir = dir
  }
}

/** The folder holds a manifest that is not ours, or is damaged. */
export class BrokenIndex extends IndexProblem {
  readonly dir: string
  constructor(dir: string, reason: string, options?: ErrorOptions) {
    super(
      `The index in ${dir} can't be read: ${reason}. Build it again with: npm run index -- starter`,
      options,
    )
    this.name = 'BrokenIndex'
    this.dir = dir
  }
  /** Whether a build may put a new index in its place: nothing of it could be used any more. */
  get replaceable(): boolean {
    return true
  }
}

/**
 * Written by an earlier version, which kept no texts: nothing of it can be carried over, and it may
 * be replaced as if it were not there.
 */
export class OlderIndex extends BrokenIndex {
  constructor(dir: string) {
    super(dir, 'it was written by an older version of this program')
    this.name = 'OlderIndex'
  }
}

/** Written by a later version, for which it is whole: not replaced. */
export class LaterIndex extends BrokenIndex {
  constructor(dir: string) {
    super(
      dir,
      'it was written by a later version of this program; use that version, or another INDEX_DIR',
    )
    this.name = 'LaterIndex'
  }
  override get replaceable(): boolean {
    return false
  }
}

/**
 * The generation went while it was being read, which its lease prevents where one can be written;
 * opening the index again helps.
 */
export class GenerationGone extends Error {
  readonly generation: string
  constructor(generation: string, options?: ErrorOptions) {
    super(
      `The index was replaced while it was being read (generation ${generation} is gone).`,
      options,
    )
    this.name = 'GenerationGone'
    this.generation = generation
  }
}

/** Another process is building this index; two at once would delete each other's files. */
export class BuildRunning extends IndexProblem {
  /** @param owner null if the lock file can't be read */
  constructor(owner: { pid: number; hostname: string } | null, lockFile: string) {
    const builder = owner ? `Process ${owner.pid} on ${owner.hostname}` : 'Another process'
    super(
      `${builder} is building this index. If no such build is running, delete ${lockFile} and try again.`,
    )
    this.name = 'BuildRunning'
  }
}

/** The source holds nothing that can be indexed; what was live stays live. */
export class NothingToIndex extends IndexProblem {
  readonly samples: BadRow[]
  constructor(source: string, bad: number, samples: BadRow[]) {
    const passedOver = bad > 0 ? ` ${bad.toLocaleString('en')} passed over: ${tell(samples)}.` : ''
    super(`Nothing to index was found in ${source}, so the index was left as it was.${passedOver}`)
    this.name = 'NothingToIndex'
    this.samples = samples
  }
}

/**
 * More of the source could not be read than could: it is probably something else than it was taken
 * for.
 */
export class TooManyBad extends IndexProblem {
  readonly samples: BadRow[]
  constructor(source: string, { bad, good }: { bad: number; good: number }, samples: BadRow[]) {
    const counts = `${bad.toLocaleString('en')} of ${(bad + good).toLocaleString('en')}`
    super(
      `Most of ${source} could not be read (${counts}), so the index was left as it was. ${tell(samples)}.`,
    )
    this.name = 'TooManyBad'
    this.samples = samples
  }
}

function tell(samples: BadRow[]): string {
  return samples
    .slice(0, 3)
    .map(({ place, reason }) => `${place}: ${reason}`)
    .join('; ')
}

/** A build would fill the disk, or has. Sizes in bytes; what was live stays live. */
export class NotEnoughDisk extends IndexProblem {
  constructor(dir: string, options: ErrorOptions & { needed?: number; free?: number } = {}) {
    const { needed, free, ...cause } = options
    const numbers =
      needed === undefined || free === undefined
        ? 'it is full'
        : `the build needs about ${inWords(needed)}, and ${inWords(free)} are free`
    super(
      `There is not enough room on the disk of ${dir}: ${numbers}. The index was left as it was.`,
      cause,
    )
    this.name = 'NotEnoughDisk'
  }
}

function inWords(bytes: number): string {
  return bytes < 1e9 ? `${Math.ceil(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`
}

/** There is no source of this name to remove. */
export class NoSuchSource extends IndexProblem {
  constructor(name: string, held: string[]) {
    super(`The index has no source named ${name}. It has: ${held.join(', ') || 'none'}.`)
    this.name = 'NoSuchSource'
  }
}

/** A source is named in a way that could not be shown or typed again. */
export class UnusableSourceName extends IndexProblem {
  constructor(reason: string) {
    super(`This name can't be given to a source: ${reason}.`)
    this.name = 'UnusableSourceName'
  }
}

/** A query needs more memory than all searches of a process may use together. */
export class NotEnoughMemory extends Error {
  constructor(limitMb: number, options?: ErrorOptions) {
    super(`This search needs more memory than searches may use here (${limitMb} MB).`, options)
    this.name = 'NotEnoughMemory'
  }
}
