import type { Log } from '#jobs/log.ts'

/** Drops every line. A file of its own: programs that tests start import nothing of Vitest. */
export const quietLog: Log = { info() {}, warn() {}, error() {} }
