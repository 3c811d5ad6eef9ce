import { type FSWatcher, watch } from 'node:fs'
import { dirname, join } from 'node:path'

/** Editors and Git write several files in a row. Changes this close together count as one. */
const quietMs = 50

/** Excludes the .d.ts files that Next writes. */
const sourceFile = /(?<!\.d)\.ts$/

export interface WatchedFiles {
  add(path: string): void
  /**
   * Waits for the next change of a watched file.
   * @param options.anyNeighbour includes unwatched source files, such as new ones, in the folders
   * of watched files.
   * @returns its path; null if the signal aborts first.
   */
  nextChange(signal: AbortSignal, options?: { anyNeighbour: boolean }): Promise<string | null>
  close(): void
}

/**
 * Watches files through their folders: editors replace a file instead of writing into it, and a
 * watch on the file would stay with the replaced one.
 * @param start.folders every file directly in them is watched.
 */
export function watchFiles(start: { files: string[]; folders: string[] }): WatchedFiles {
  const files = new Set(start.files)
  const folders = new Set(start.folders)
  const watchers = new Map<string, FSWatcher>()
  const listeners = new Set<(path: string) => void>()

  function watchFolder(folder: string): void {
    if (watchers.has(folder)) return
    const watcher = watch(folder)
    watcher.on('change', (_event, name) => {
      const path = join(folder, String(name))
      for (const listener of listeners) listener(path)
    })
    watcher.on('error', () => watcher.close()) // The folder was removed.
    watchers.set(folder, watcher)
  }

  for (const file of files) watchFolder(dirname(file))
  for (const folder of folders) watchFolder(folder)
  return {
    add(path) {
      files.add(path)
      watchFolder(dirname(path))
    },
    nextChange(signal, { anyNeighbour } = { anyNeighbour: false }) {
      return new Promise((resolve) => {
        let timer: NodeJS.Timeout | undefined
        const settle = (path: string | null) => {
          clearTimeout(timer)
          listeners.delete(listener)
          signal.removeEventListener('abort', aborted)
          resolve(path)
        }
        const aborted = () => settle(null)
        const listener = (path: string) => {
          const isWatched = files.has(path) || folders.has(dirname(path))
          if (!isWatched && !(anyNeighbour && sourceFile.test(path))) return
          clearTimeout(timer)
          timer = setTimeout(settle, quietMs, path)
        }
        listeners.add(listener)
        signal.addEventListener('abort', aborted, { once: true })
        if (signal.aborted) aborted()
      })
    },
    close() {
      for (const watcher of watchers.values()) watcher.close()
    },
  }
}
