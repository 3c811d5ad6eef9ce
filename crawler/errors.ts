/**
 * Nothing on the web can be reached from here, neither names nor addresses: not one page's trouble,
 * but this machine's.
 */
export class NoNetwork extends Error {
  constructor(options?: ErrorOptions) {
    super(
      'The web can’t be reached from here: no name could be looked up and no server answered.',
      options,
    )
    this.name = 'NoNetwork'
  }
}

/**
 * The page at which a crawl was to begin can't be had; the message says why, in a sentence for
 * people.
 */
export class CannotCrawl extends Error {
  readonly url: string
  constructor(url: string, reason: string, options?: ErrorOptions) {
    super(`The crawl can’t begin at ${url}: ${reason}.`, options)
    this.name = 'CannotCrawl'
    this.url = url
  }
}
