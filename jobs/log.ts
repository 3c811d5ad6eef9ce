/** Takes structured log lines: the data first, then a sentence. A pino logger satisfies it. */
export interface Log {
  info(data: object, message: string): void
  warn(data: object, message: string): void
  error(data: object, message: string): void
}
