/** The host is a private address, or one of its addresses is. */
export class AddressRefused extends Error {
  constructor(host: string, ip: string) {
    super(
      host === ip ? `${ip} is a private address` : `${host} resolves to the private address ${ip}`,
    )
    this.name = 'AddressRefused'
  }
}

/** The DNS has not answered in time. */
export class LookupTimedOut extends Error {
  constructor(host: string) {
    super(`the DNS lookup of ${host} timed out`)
    this.name = 'LookupTimedOut'
  }
}
