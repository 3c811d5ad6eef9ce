import prettyFactory from 'pino-pretty'
import { z } from 'zod'

/** A line as pino writes it. */
const Entry = z.looseObject({ level: z.number(), time: z.number(), msg: z.string().optional() })
export type Entry = z.infer<typeof Entry>

export interface ReadableLog {
  /** A line that a program printed: pino's JSON, or anything else as it is. */
  line(source: string, line: string): void
  /** Something that we say ourselves. */
  say(sentence: string): void
}

/** One log for all programs: time, who, and what it said in words. */
export function readableLog(
  write: (text: string) => void,
  options: { colorize: boolean; now: () => Date },
): ReadableLog {
  const pretty = prettyFactory.prettyFactory({
    colorize: options.colorize,
    ignore: 'time,level,pid,hostname,name',
    singleLine: true,
  })
  const put = (at: Date, source: string, text: string) =>
    write(`${clock(at)} ${source.padEnd(8)}| ${text}\n`)
  return {
    line(source, line) {
      const entry = parseEntry(line)
      if (entry === null) return put(options.now(), source, line)
      put(new Date(entry.time), source, `${warning(entry.level)}${pretty(entry).trim()}`)
    },
    say: (sentence) => put(options.now(), 'start', sentence),
  }
}

/** Null for a line that is not pino's. */
export function parseEntry(line: string): Entry | null {
  if (!line.startsWith('{')) return null
  try {
    return Entry.safeParse(JSON.parse(line)).data ?? null
  } catch {
    return null
  }
}

/** pino's numbers: 40 warn, 50 error, 60 fatal. What is as it should be needs no label. */
function warning(level: number): string {
  if (level >= 60) return 'FATAL: '
  if (level >= 50) return 'ERROR: '
  return level >= 40 ? 'WARNING: ' : ''
}

function clock(at: Date): string {
  return at.toTimeString().slice(0, 8)
}
