/** What was named as a source can't be one; the message says why, and names no folder. */
export class BadSource extends Error {
  constructor(reason: string, options?: ErrorOptions) {
    super(reason, options)
    this.name = 'BadSource'
  }
}
