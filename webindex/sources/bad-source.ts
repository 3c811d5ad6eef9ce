import { IndexProblem } from '../errors.ts'

/** What was named as a source can't be one; the message says why, and names no folder. */
export class BadSource extends IndexProblem {
  constructor(reason: string, options?: ErrorOptions) {
    super(reason, options)
    this.name = 'BadSource'
  }
}
