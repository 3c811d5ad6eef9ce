import { expect, test } from 'vitest'
import { readableLog } from '#local/supervisor/readable-log.ts'

function written(...lines: [source: string, line: string][]): string[] {
  const texts: string[] = []
  const now = () => new Date(2026, 0, 2, 3, 4, 5)
  const log = readableLog((text) => texts.push(text), { colorize: false, now })
  for (const [source, line] of lines) log.line(source, line)
  return texts
}

const time = new Date(2026, 0, 2, 13, 14, 15).getTime()

test('a pino line becomes time, source and message', () => {
  const line = JSON.stringify({
    level: 30,
    time,
    pid: 1,
    hostname: 'h',
    name: 'worker',
    msg: 'Ready for searches',
    concurrency: 4,
  })
  expect(written(['worker', line])).toEqual([
    '13:14:15 worker  | Ready for searches {"concurrency":4}\n',
  ])
})

test('warnings and errors are labelled', () => {
  const [warning, error] = [40, 50].map((level) => JSON.stringify({ level, time, msg: 'Hm' }))
  expect(written(['server', warning ?? ''], ['server', error ?? ''])).toEqual([
    '13:14:15 server  | WARNING: Hm\n',
    '13:14:15 server  | ERROR: Hm\n',
  ])
})

test('any other line stays as it is', () => {
  expect(written(['server', 'plain words'], ['server', '{not json'])).toEqual([
    '03:04:05 server  | plain words\n',
    '03:04:05 server  | {not json\n',
  ])
})
