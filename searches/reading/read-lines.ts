import { setImmediate as yieldToEventLoop } from 'node:timers/promises'
import { z } from 'zod'
import type { SearchContext } from '#jobs/define-search.ts'

/** `key` is the same for lines that mean the same. `reason` is a sentence fragment: “has no letter”. */
export type LineReading<Value> =
  | { ok: true; key: string; value: Value }
  | { ok: false; reason: string }

/**
 * Reads a list that has been pasted, line by line. Merges lines that mean the same, skips lines that
 * can't be read, and notes both.
 * @param noun what a line names, in the singular
 * @returns the value of the first line of each key, in the order of the lines
 */
export async function readLines<Value>(
  text: string,
  read: (line: string) => LineReading<Value>,
  noun: string,
  { signal, note }: Pick<SearchContext<unknown>, 'signal' | 'note'>,
): Promise<Map<string, Value>> {
  const values = new Map<string, Value>()
  const skipped = new Map<string, { first: string; count: number }>()
  let repeated = 0
  for (const [n, line] of linesOf(text).entries()) {
    const reading = read(line)
    if (!reading.ok) {
      const { first, count } = skipped.get(reading.reason) ?? { first: line, count: 0 }
      skipped.set(reading.reason, { first, count: count + 1 })
    } else if (values.has(reading.key)) repeated++
    else values.set(reading.key, reading.value)
    if (n % 500 === 499) {
      await yieldToEventLoop()
      signal.throwIfAborted()
    }
  }
  if (repeated > 0)
    note(
      `Merged ${counted(repeated, 'line')} that ${repeated === 1 ? 'repeats' : 'repeat'} an earlier ${noun}.`,
    )
  for (const [reason, { first, count }] of skipped) {
    const shown = first.length > 60 ? `${first.slice(0, 60)}…` : first
    const plural = reason.replace(/^has /, count === 1 ? 'has ' : 'have ')
    note(
      `Skipped ${counted(count, 'line')} that ${plural}${count === 1 ? '' : ', the first'}: “${shown}”.`,
    )
  }
  return values
}

/**
 * The input field of a list with one row per line.
 * @param list.noun what a line names, in the singular
 */
export function linesField(list: { noun: string; maxLines: number; maxCharacters: number }) {
  const { noun, maxLines, maxCharacters } = list
  const shown = (n: number) => n.toLocaleString('en')
  return z
    .string()
    .trim()
    .min(1, `Enter at least one ${noun}.`)
    .max(maxCharacters, `Too long: enter at most ${shown(maxCharacters)} characters.`)
    .superRefine((text, context) => {
      const lines = linesOf(text).length
      if (lines <= maxLines) return
      const message = `Too many ${noun}s (${shown(lines)}): enter at most ${shown(maxLines)}.`
      context.addIssue({ code: 'custom', message, input: text })
    })
}

/** The lines of a text that are not blank, trimmed. */
function linesOf(text: string): string[] {
  return text
    .split(/\r\n|\r|\n/)
    .map((line) => line.trim())
    .filter(Boolean)
}

function counted(count: number, unit: string): string {
  return `${count.toLocaleString('en')} ${unit}${count === 1 ? '' : 's'}`
}
