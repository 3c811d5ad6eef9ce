/** The `code` of a system error, ENOENT for instance. */
export function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined
}

export function isCode(error: unknown, ...codes: string[]): boolean {
  return codes.some((code) => code === codeOf(error))
}
