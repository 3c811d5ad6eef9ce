/** Nothing has been built in this folder yet. */
export class NoIndex extends Error {
  readonly dir: string
  constructor(dir: string) {
    super(`There is no index in ${dir}. Build the starter index with: npm run index -- starter`)
    this.name = 'NoIndex'
    this.dir = dir
  }
}

/** The folder holds a manifest that is not ours, is damaged, or is of a later version. */
export class BrokenIndex extends Error {
  readonly dir: string
  constructor(dir: string, reason: string, options?: ErrorOptions) {
    super(`The index in ${dir} can't be read: ${reason}. Build it again with: npm run index -- starter`, options)
    this.name = 'BrokenIndex'
    this.dir = dir
  }
}

/** The index was rebuilt twice while this generation was being read; opening the index again helps. */
export class GenerationGone extends Error {
  readonly generation: string
  constructor(generation: string, options?: ErrorOptions) {
    super(`The index was replaced while it was being read (generation ${generation} is gone).`, options)
    this.name = 'GenerationGone'
    this.generation = generation
  }
}

/** Another process is building this index; two at once would delete each other's files. */
export class BuildRunning extends Error {
  readonly pid: number
  constructor(pid: number, lockFile: string) {
    super(`Process ${pid} is building this index. If no such build is running, delete ${lockFile} and try again.`)
    this.name = 'BuildRunning'
    this.pid = pid
  }
}

/** The documents held no page that can be indexed; what was live stays live. */
export class NothingToIndex extends Error {
  constructor() {
    super('No page was found to index, so the index was left as it was.')
    this.name = 'NothingToIndex'
  }
}

/** A query needs more memory than all searches of a process may use together. */
export class NotEnoughMemory extends Error {
  constructor(limitMb: number, options?: ErrorOptions) {
    super(`This search needs more memory than searches may use here (${limitMb} MB).`, options)
    this.name = 'NotEnoughMemory'
  }
}
