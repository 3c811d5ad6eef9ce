import { expect, test } from 'vitest'
import { originAllowed, ownOrigins } from '#server/accounts/origin.ts'

const from = (origin: string | null, cookie = true) =>
  new Headers({ ...(origin === null ? {} : { origin }), ...(cookie ? { cookie: 'a=b' } : {}) })

test('a request with a cookie is accepted only from our own origin', () => {
  const publicUrl = 'https://search.example/app'
  expect(originAllowed(from('https://search.example'), publicUrl)).toBe(true)
  for (const foreign of [
    'https://evil.example',
    'http://search.example',
    'https://search.example:8443',
    'https://search.example.evil.example',
    'https://a.search.example',
    'http://localhost',
    'null',
    '',
    null,
  ]) {
    expect(originAllowed(from(foreign), publicUrl), String(foreign)).toBe(false)
  }
})

test('a request without a cookie needs no origin, but a foreign origin is refused', () => {
  expect(originAllowed(from(null, false), 'https://search.example')).toBe(true)
  expect(originAllowed(from('https://evil.example', false), 'https://search.example')).toBe(false)
})

test('on loopback, every loopback name is our own origin, on the same port only', () => {
  for (const publicUrl of ['http://localhost:3000', 'http://127.0.0.1:3000', 'http://[::1]:3000']) {
    for (const name of ['localhost', '127.0.0.1', '[::1]']) {
      expect(originAllowed(from(`http://${name}:3000`), publicUrl), `${name} at ${publicUrl}`).toBe(
        true,
      )
      expect(originAllowed(from(`http://${name}:3001`), publicUrl)).toBe(false)
      expect(originAllowed(from(`https://${name}:3000`), publicUrl)).toBe(false)
    }
  }
  expect(ownOrigins('http://localhost')).toContain('http://127.0.0.1')
  expect(ownOrigins('http://127.evil.example')).toEqual(['http://127.evil.example'])
})
