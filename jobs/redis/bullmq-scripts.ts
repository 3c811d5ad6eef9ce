import { addStandardJob } from 'bullmq/dist/cjs/scripts/addStandardJob-9.js'
import { moveToActive } from 'bullmq/dist/cjs/scripts/moveToActive-11.js'
import { moveToDelayed } from 'bullmq/dist/cjs/scripts/moveToDelayed-11.js'
import { moveToFinished } from 'bullmq/dist/cjs/scripts/moveToFinished-14.js'

/** The texts of BullMQ's own scripts that ours call. Pinned by a test: see there on an upgrade. */
export const bullmqTexts = { addStandardJob, moveToActive, moveToDelayed, moveToFinished }

type Name = keyof typeof bullmqTexts

/**
 * Statements that cost a command and serve nothing that Searchlight uses: the event stream, which
 * has no readers here; the counter of ids, which are our own; flows and deduplication, which no
 * entry of ours has; whether the entry exists, which our record and the lock tell; the mark that an
 * entry may be stalled, which is void once the entry is no longer active; and the count of attempts
 * of an entry that is removed in the same step.
 */
const unused: [RegExp, string][] = [
  [/rcall\("X(?:ADD|TRIM)",[^()]*\)/g, 'do end'],
  [/rcall\("HGET", metaKey, "opts\.maxLenEvents"\)/g, '0'],
  [/rcall\("INCR", KEYS\[4\]\)/g, '0'],
  [
    /rcall\("EXISTS", jobIdKey\) == 1 then\n {8}return handleDuplicatedJob/g,
    'false then\n        return handleDuplicatedJob',
  ],
  [/rcall\("EXISTS", jobIdKey\) == 1 then -- Make sure job exists/g, 'true then'],
  [/rcall\("SREM", stalledKey, jobId\)/g, 'do end'],
  [/rcall\("SCARD", jobIdKey \.\. ":dependencies"\)/g, '0'],
  [/rcall\("ZCARD", jobIdKey \.\. ":unsuccessful"\)/g, '0'],
  [/rcall\("HMGET", jobIdKey, "parentKey", "parent", "deid"\)/g, '{false, false, false}'],
  [
    /rcall\("HINCRBY", jobIdKey, "atm", 1\)/g,
    '(maxCount ~= 0 and rcall("HINCRBY", jobIdKey, "atm", 1) or 0)',
  ],
]

/** The text without what we don't use, and how many statements that left out. */
export function withoutUnused(text: string): { text: string; leftOut: number } {
  let leftOut = 0
  for (const [statement, replacement] of unused) {
    text = text.replace(statement, () => {
      leftOut++
      return replacement
    })
  }
  return { text, leftOut }
}

/** BullMQ's script as a Lua function that takes its keys and arguments. */
export function bullmqScript(name: Name, asFunction: string): string {
  const { text } = withoutUnused(bullmqTexts[name].content)
  return `local function ${asFunction}(KEYS, ARGV)\n${text}\nend`
}
