/**
 * Redis refuses writes for a while: its memory or disk is full, it loads its data, or it is no
 * longer the master. Nothing was changed, and the same command succeeds later.
 */
export function isRefusedForNow(error: unknown): boolean {
  return error instanceof Error && refusals.test(error.message)
}

const refusals =
  /\b(?:OOM|MISCONF|LOADING|READONLY|NOREPLICAS|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|BUSY)\b/
