/** The code of an error of Node.js or undici: `ENOTFOUND`, `Z_DATA_ERROR`. '' for other errors. */
export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : ''
}
