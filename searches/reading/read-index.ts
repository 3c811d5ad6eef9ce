import { setImmediate as yieldToEventLoop } from 'node:timers/promises'
import { PassingError, SearchFailed } from '#jobs/errors.ts'
import { BrokenIndex, GenerationGone, NotEnoughMemory } from '#webindex/errors.ts'
import type { BrokenFile, Part } from '#webindex/query/read-shards.ts'

/** Rows between two yields to the event loop. */
const maxRowsPerBatch = 500
/** Notes about broken files; more would bury the rest of the timeline. */
const maxNotes = 20

/**
 * Passes on the parts of an index query in small batches. Notes each unreadable file once and goes
 * on with the others.
 * @throws {SearchFailed} at the end, if every file was unreadable; or when memory runs out or the
 * index as a whole can't be read
 * @throws {PassingError} when the generation is gone: the next attempt reads the live one
 */
export async function* readIndex<Row, More extends object>(
  parts: AsyncIterable<Part<Row> & More>,
  note: (text: string) => void,
): AsyncGenerator<Part<Row> & More> {
  const brokenFiles = new Map<string, BrokenFile>()
  let filesRead = 0
  let done = 0
  try {
    for await (const part of parts) {
      filesRead += part.read
      for (const broken of part.broken) {
        if (brokenFiles.size < maxNotes && !brokenFiles.has(broken.file))
          note(describeBroken(broken))
        brokenFiles.set(broken.file, broken)
      }
      done = Math.min(done, part.done) // A step of another kind counts anew.
      for (let from = 0, last = false; !last; from += maxRowsPerBatch) {
        last = from + maxRowsPerBatch >= part.rows.length
        yield {
          ...part,
          rows: part.rows.slice(from, from + maxRowsPerBatch),
          done: last ? part.done : done,
        }
        await yieldToEventLoop()
      }
      done = part.done
    }
  } catch (error) {
    if (error instanceof GenerationGone) throw new PassingError(error.message, { cause: error })
    if (error instanceof NotEnoughMemory || error instanceof BrokenIndex)
      throw new SearchFailed(error.message, { cause: error })
    throw error
  }
  if (brokenFiles.size > maxNotes)
    note(`Could not read ${(brokenFiles.size - maxNotes).toLocaleString('en')} more files.`)
  const [first] = brokenFiles.values()
  if (filesRead === 0 && first)
    throw new SearchFailed(
      `None of the index files for this search could be read (${first.file}: ${first.reason}). ` +
        'Run `npm run index -- compact` or add a source to rewrite them.',
      { cause: first.cause },
    )
}

function describeBroken({ file, reason }: BrokenFile): string {
  return `Could not read ${file} (${reason}). Its contents are missing from these results.`
}
