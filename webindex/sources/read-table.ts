import { setImmediate } from 'node:timers/promises'
import { parse } from 'csv-parse/sync'
import { BadSource } from './bad-source.ts'

/** A line of a table, counted from 1; `bad` is a fragment of a sentence. */
export type TableLine = { line: number; cells: string[] } | { line: number; bad: string }

const longestLine = 65_536
/** Characters that are looked at to tell what parts the cells. */
const headLength = 8_192
/** Others have their turn in between: locks are renewed, aborts are heard. */
const turnMs = 8

/**
 * Reads a table as spreadsheets write it: UTF-8, or UTF-16 with a byte order mark; cells parted by
 * comma, semicolon or tab, the header tells which. A row is a line, so that a stray quotation mark
 * costs that line and no more.
 * @param name of the file, for errors. @throws {BadSource} where it is no text.
 */
export async function* readTable(
  bytes: AsyncIterable<Buffer>,
  { name, signal }: { name: string; signal: AbortSignal },
): AsyncGenerator<TableLine> {
  let delimiter: string | undefined
  let number = 0
  let began = performance.now()
  for await (const lines of linesOf(decoded(bytes, name))) {
    delimiter ??= delimiterOf(lines)
    for (const text of lines) {
      number++
      if (performance.now() - began > turnMs) {
        await setImmediate()
        began = performance.now()
      }
      signal.throwIfAborted()
      if (text.trim() === '') continue
      const cells =
        text.length > longestLine ? 'it is longer than 65,536 characters' : cellsOf(text, delimiter)
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
        `${name} can’t be imported: it is neither UTF-8 nor UTF-16 text; save it as UTF-8.`,
        { cause },
      )
    }
    throw new BadSource(`${name} can’t be imported: it is no text.`)
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
 * Several lines at a time, the first time enough to see what parts the cells. What is beyond the
 * longest line is not kept.
 */
async function* linesOf(texts: AsyncIterable<string>): AsyncGenerator<string[]> {
  let rest = ''
  let begun = false
  for await (const text of texts) {
    rest += text
    if (!begun && rest.length < headLength) continue
    const lines = rest.split('\n')
    rest = (lines.pop() ?? '').slice(0, longestLine + 1)
    begun ||= lines.length > 0
    if (lines.length > 0) yield lines.map(withoutReturn)
  }
  if (rest !== '') yield rest.split('\n').map(withoutReturn)
}

function withoutReturn(line: string): string {
  return line.endsWith('\r') ? line.slice(0, -1) : line
}

/**
 * The sign that parts the header into most cells: headers hold no numbers, so no decimal comma
 * either.
 */
function delimiterOf(lines: string[]): string {
  const header = lines.find((line) => line.trim() !== '') ?? ''
  const cells = (delimiter: string) => {
    const read = cellsOf(header, delimiter)
    return typeof read === 'string' ? 0 : read.length
  }
  return [',', ';', '\t'].reduce((best, sign) => (cells(sign) > cells(best) ? sign : best))
}

/** @returns what is wrong, where it can't be read. */
function cellsOf(text: string, delimiter: string): string[] | string {
  if (!text.includes('"')) return text.split(delimiter).map((cell) => cell.trim())
  try {
    const [cells] = parse(text, { delimiter, relax_quotes: true, trim: true })
    return cells ?? []
  } catch {
    return 'a quotation mark in it is not closed'
  }
}
