/** The code of a Node.js error: `ENOENT`, `Z_DATA_ERROR`. undefined for other errors. */
export function errorCode(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}

/** The code of a failed system call, such as reading a file; undefined for other errors. */
export function systemErrorCode(error: unknown): unknown {
  return error instanceof Error && 'syscall' in error ? errorCode(error) : undefined
}
