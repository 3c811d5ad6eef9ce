import { expect, test } from 'vitest'
import { addressOf } from '#webindex/pages/web-address.ts'

test('an address with Latin-1 letters is read after a million others too', () => {
  for (let n = 0; n < 300_000; n++) addressOf(`https://example.com/${n}`)
  expect(addressOf('https://www.bücher.de/ü')?.site).toBe('xn--bcher-kva.de')
})
