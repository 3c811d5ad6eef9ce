import { parse } from 'csv-parse/sync'
import { createEventLoopYield } from '../../pages/yield-to-event-loop.ts'
import { BadSource } from './bad-source.ts'

/** A line of a table. `line` counts from 1; `bad` is a sentence fragment. */
export type TableLine = { line: number; cells: string[] } | { line: number; bad: string }

const maxLineLength = 65_536
/** How many characters to read before the delimiter is detected. */
const headLength = 8_192

/**
 * Reads a table as spreadsheets export it: UTF-8, or UTF-16 with a byte order mark. The header
 * reveals whether cells are separated by comma, semicolon or tab. Each line is a row, so an
 * unclosed quotation mark spoils only its own line. Yields to the event loop every few
 * milliseconds.
 * @param name of the file, for errors. @throws {BadSource} if the file is not text.
 */
export async function* readTable(
  bytes: AsyncIterable<Buffer>,
  { name, signal }: { name: string; signal: AbortSignal },
): AsyncGenerator<TableLine> {
  let delimiter: string | undefined
  let number = 0
  const yieldIfDue = createEventLoopYield(signal)
  for await (const lines of linesOf(decoded(bytes, name))) {
    delimiter ??= delimiterOf(lines)
    for (const text of lines) {
      number++
      await yieldIfDue()
      if (text.trim() === '') continue
      const cells =
        text.length > maxLineLength
          ? 'it is longer than 65,536 characters'
          : cellsOf(text, delimiter)
      yield typeof cells === 'string' ? { line: number, bad: cells } : { line: number, cells }
    }
  }
}

async function* decoded(bytes: AsyncIterable<Buffer>, name: string): AsyncGenerator<string> {
  let decoder: TextDecoder | undefined
  let start = Buffer.alloc(0)
  const decode = (chunk: Buffer, more: boolean) => {
    decoder ??= new TextDecoder(encodingOf(chunk), { fatal: true })
    try {
      const text = decoder.decode(chunk, { stream: more })
      if (!text.includes('\0')) return text
    } catch (cause) {
      throw new BadSource(
        `${name} can’t be imported: it is neither UTF-8 nor UTF-16 text. Save it as UTF-8.`,
        { cause },
      )
    }
    throw new BadSource(`${name} can’t be imported: it is not a text file.`)
  }
  for await (const chunk of bytes) {
    if (decoder) yield decode(chunk, true)
    else {
      start = Buffer.concat([start, chunk])
      if (start.length >= 4) yield decode(start, true)
    }
  }
  yield decode(decoder ? Buffer.alloc(0) : start, false)
}

function encodingOf(start: Buffer): string {
  if (start[0] === 0xff && start[1] === 0xfe) return 'utf-16le'
  if (start[0] === 0xfe && start[1] === 0xff) return 'utf-16be'
  return 'utf-8'
}

/**
 * Batches of whole lines; the first batch is large enough to detect the delimiter. Of a line that
 * is too long, only its beginning is kept.
 */
async function* linesOf(texts: AsyncIterable<string>): AsyncGenerator<string[]> {
  let rest = ''
  let hasStarted = false
  for await (const text of texts) {
    rest += text
    if (!hasStarted && rest.length < headLength) continue
    const lines = rest.split('\n')
    rest = (lines.pop() ?? '').slice(0, maxLineLength + 1)
    hasStarted ||= lines.length > 0
    if (lines.length > 0) yield lines.map(withoutCarriageReturn)
  }
  if (rest !== '') yield rest.split('\n').map(withoutCarriageReturn)
}

function withoutCarriageReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line
}

/**
 * The delimiter that splits the header into the most cells. A header holds no numbers, so it can't
 * hold a decimal comma.
 */
function delimiterOf(lines: string[]): string {
  const header = lines.find((line) => line.trim() !== '') ?? ''
  const count = (delimiter: string) => {
    const cells = cellsOf(header, delimiter)
    return typeof cells === 'string' ? 0 : cells.length
  }
  return [',', ';', '\t'].reduce((best, each) => (count(each) > count(best) ? each : best))
}

/** @returns the cells, or a string that says why the line can't be read. */
function cellsOf(text: string, delimiter: string): string[] | string {
  if (!text.includes('"')) return text.split(delimiter).map((cell) => cell.trim())
  try {
    const [cells] = parse(text, { delimiter, relax_quotes: true, trim: true })
    return cells ?? []
  } catch {
    return 'it has an unclosed quotation mark'
  }
}
