import { codeOf } from '#processes/error-code.ts'

/** The code of a failed system call, such as reading a file; undefined for other errors. */
export function systemErrorCode(error: unknown): unknown {
  return error instanceof Error && 'syscall' in error ? codeOf(error) : undefined
}
