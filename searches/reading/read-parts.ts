import { setImmediate as nextTurn } from 'node:timers/promises'
import { PassingError, SearchFailed } from '#jobs/errors.ts'
import { BrokenIndex, GenerationGone, NotEnoughMemory } from '#webindex/errors.ts'
import type { BrokenFile, Part } from '#webindex/query/read-shards.ts'

/** Rows that are handed on without a break for whatever else the process has to do. */
const rowsInOneGo = 500
/** More of them would bury the rest of a timeline. */
const mostNotes = 20

/**
 * Passes on what is read of the index. A file that can't be read is told once, and the search goes
 * on with the others.
 * @throws {SearchFailed} in the end, when no file at all could be read, or when memory does not
 * suffice, or the index is not ours to read
 * @throws {PassingError} when the whole generation is gone: opened again, the next attempt reads
 * the one that is live now
 */
export async function* readParts<Row>(
  parts: AsyncIterable<Part<Row>>,
  note: (text: string) => void,
): AsyncGenerator<Part<Row>> {
  const told = new Map<string, BrokenFile>()
  let [read, done] = [0, 0]
  try {
    for await (const part of parts) {
      read += part.read
      for (const broken of part.broken) {
        if (told.size < mostNotes && !told.has(broken.file)) note(tellBroken(broken))
        told.set(broken.file, broken)
      }
      for (let from = 0, last = false; !last; from += rowsInOneGo) {
        last = from + rowsInOneGo >= part.rows.length
        yield {
          ...part,
          rows: part.rows.slice(from, from + rowsInOneGo),
          done: last ? part.done : done,
        }
        await nextTurn()
      }
      done = part.done
    }
  } catch (error) {
    if (error instanceof GenerationGone) throw new PassingError(error.message, { cause: error })
    if (error instanceof NotEnoughMemory || error instanceof BrokenIndex)
      throw new SearchFailed(error.message, { cause: error })
    throw error
  }
  if (told.size > mostNotes)
    note(`Could not read ${(told.size - mostNotes).toLocaleString('en')} more files.`)
  const [first] = told.values()
  if (read === 0 && first) {
    const why = `Not one file of the index that this search reads could be read (${first.file}: ${first.reason}).`
    throw new SearchFailed(
      `${why} \`npm run index -- compact\` or adding a source writes them anew.`,
      { cause: first.cause },
    )
  }
}

function tellBroken({ file, reason }: BrokenFile): string {
  return `Could not read ${file} (${reason}): what it holds is missing from these results.`
}
