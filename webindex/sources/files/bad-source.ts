import { IndexProblem } from '../../errors.ts'

/** The source can't be imported. The message says why and reveals no folder of this machine. */
export class BadSource extends IndexProblem {
  constructor(reason: string, options?: ErrorOptions) {
    super(reason, options)
    this.name = 'BadSource'
  }
}
