import prettyFactory from 'pino-pretty'
import { z } from 'zod'

/** A log line of pino. */
const Entry = z.looseObject({ level: z.number(), time: z.number(), msg: z.string().optional() })
export type Entry = z.infer<typeof Entry>

export interface ReadableLog {
  /** Writes a line that a program printed: pino's JSON made readable, any other text as it is. */
  line(source: string, line: string): void
  /** Writes a message of the supervisor itself. */
  say(sentence: string): void
}

/** One readable log for all programs: time, source, message. */
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
      put(new Date(entry.time), source, `${label(entry.level)}${pretty(entry).trim()}`)
    },
    say: (sentence) => put(options.now(), 'start', sentence),
  }
}

/** Null if the line is not pino's. */
export function parseEntry(line: string): Entry | null {
  if (!line.startsWith('{')) return null
  try {
    return Entry.safeParse(JSON.parse(line)).data ?? null
  } catch {
    return null
  }
}

/** pino's levels: 40 warn, 50 error, 60 fatal. Lower levels get no label. */
function label(level: number): string {
  if (level >= 60) return 'FATAL: '
  if (level >= 50) return 'ERROR: '
  return level >= 40 ? 'WARNING: ' : ''
}

function clock(at: Date): string {
  return at.toTimeString().slice(0, 8)
}
