/** The host, or one of the addresses that its name stands for, is not of the public web. */
export class AddressRefused extends Error {
  constructor(host: string, ip: string) {
    super(
      host === ip ? `${ip} is a private address` : `${host} stands for the private address ${ip}`,
    )
    this.name = 'AddressRefused'
  }
}

/** The DNS has not answered in time. */
export class LookupTimedOut extends Error {
  constructor(host: string) {
    super(`${host} could not be looked up in time`)
    this.name = 'LookupTimedOut'
  }
}
