import { addStandardJob } from 'bullmq/dist/cjs/scripts/addStandardJob-9.js'
import { moveToActive as fetchText } from 'bullmq/dist/cjs/scripts/moveToActive-11.js'
import { moveToDelayed } from 'bullmq/dist/cjs/scripts/moveToDelayed-11.js'
import { moveToFinished } from 'bullmq/dist/cjs/scripts/moveToFinished-14.js'
import { withoutComments, withoutUncalled } from './lua-text.ts'

/**
 * The texts of BullMQ's own scripts that ours call, or do the same as (queue-entry.lua). Pinned by
 * a test: see there on an upgrade.
 */
export const bullmqTexts = {
  addStandardJob,
  moveToActive: fetchText,
  moveToDelayed,
  moveToFinished,
}

/** What costs time in moveToActive and serves nothing here. */
const edits: [pattern: RegExp, replacement: string][] = [
  // The event stream has no readers.
  [/rcall\("XADD",[^()]*\)/g, 'do end'],
  // The options are a Lua table.
  [/cmsgpack\.unpack\((ARGV\[3\])\)/g, '$1'],
  // Workers set it by their own clock.
  [/rcall\("HMSET", jobKey, "processedOn", processedOn, unpack\(optionalValues\)\)/g, 'do end'],
]

function edited(text: string): string {
  for (const [pattern, replacement] of edits) text = text.replace(pattern, replacement)
  return withoutUncalled(withoutComments(text)).replace(/^/gm, '  ')
}

/** BullMQ's moveToActive as a Lua function that takes its keys and arguments. */
export const moveToActive = `local function move_to_active(KEYS, ARGV)\n${edited(fetchText.content)}\nend`

/** How often each edit applies; pinned too. */
export const editsOfMoveToActive = edits.map(
  ([pattern]) => fetchText.content.match(pattern)?.length ?? 0,
)
