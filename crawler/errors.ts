/** Neither names can be resolved nor servers reached: this machine has no network. */
export class NoNetwork extends Error {
  constructor(options?: ErrorOptions) {
    super(
      'The web can’t be reached: no name could be resolved and no server answered. Check the network of this machine.',
      options,
    )
    this.name = 'NoNetwork'
  }
}

/** The start page of a crawl can't be fetched. The message says why. */
export class CannotCrawl extends Error {
  readonly url: string
  constructor(url: string, reason: string, options?: ErrorOptions) {
    super(`The crawl can’t start at ${url}: ${reason}.`, options)
    this.name = 'CannotCrawl'
    this.url = url
  }
}
