import { randomInt } from 'node:crypto'

/** In characters. Length makes a password hard to guess, so digits and symbols are not required. */
export const passwordLength = { min: 10, max: 128 }

export class WeakPassword extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'WeakPassword'
  }
}

/** @throws {WeakPassword} with a message that tells the user what to change */
export function checkPassword(password: string): void {
  if (password.length < passwordLength.min) {
    throw new WeakPassword(
      `A password needs at least ${passwordLength.min} characters; this one has ${password.length}.`,
    )
  }
  if (password.length > passwordLength.max) {
    throw new WeakPassword(
      `A password may have at most ${passwordLength.max} characters; this one has ${password.length}.`,
    )
  }
}

// Without the look-alikes 0 O and 1 l I: people copy these by hand.
const letters = 'abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789'

/** Four groups of five characters, about 116 random bits. */
export function generatePassword(): string {
  const group = () => Array.from({ length: 5 }, () => letters[randomInt(letters.length)]).join('')
  return [group(), group(), group(), group()].join('-')
}
