import { describe, expect, test } from 'vitest'
import { addressOf } from '#webindex/pages/web-address.ts'

describe('the site of a page', () => {
  test.each([
    // The registrable domain, whatever the subdomain.
    ['https://redis.io/docs', 'redis.io'],
    ['https://docs.redis.io/', 'redis.io'],
    ['https://www.bbc.co.uk/news', 'bbc.co.uk'],
    ['https://www.gov.uk/vat', 'www.gov.uk'],
    // Each name under a private suffix is a site, and so is the suffix itself.
    ['https://redis.github.io/x', 'redis.github.io'],
    ['https://a.b.vercel.app/', 'b.vercel.app'],
    ['https://vercel.app/', 'vercel.app'],
    // On a code host, each owner is a site,
    ['https://github.com/redis/ioredis', 'github.com/redis'],
    ['https://www.github.com/Redis', 'github.com/redis'],
    ['https://gist.github.com/octocat/1a2b3c', 'github.com/octocat'],
    ['https://gitlab.com/gitlab-org/gitlab', 'gitlab.com/gitlab-org'],
    ['https://bitbucket.org/atlassian/x', 'bitbucket.org/atlassian'],
    ['https://codeberg.org/forgejo/forgejo', 'codeberg.org/forgejo'],
    ['https://git.sr.ht/~sircmpwn/x', 'sr.ht/~sircmpwn'],
    // unless the page belongs to the code host itself.
    ['https://github.com/', 'github.com'],
    ['https://github.com/features/actions', 'github.com'],
    ['https://github.com/sponsors/someone', 'github.com'],
    ['https://github.com/%3Cyou%3E/x', 'github.com'],
    ['https://docs.github.com/en', 'github.com'],
    ['https://gist.github.com/1a2b3c', 'github.com'],
    ['https://git.sr.ht/x', 'sr.ht'],
    // Internationalised names are in ASCII, as in the DNS.
    ['https://www.bücher.de/', 'xn--bcher-kva.de'],
    ['https://президент.рф/', 'xn--d1abbgf6aiiy.xn--p1ai'],
  ])('of %s is %s', (href, site) => {
    expect(addressOf(href)?.site).toBe(site)
  })
})

test.each([
  ['http://example.com', 'https://example.com'],
  ['https://www.example.com/', 'https://example.com'],
  ['HTTPS://Example.COM:443/Docs/#part', 'https://example.com/Docs'],
  ['http://example.com:80/a//', 'https://example.com/a'],
  ['http://example.com:8080/a', 'https://example.com:8080/a'],
  ['https://example.com./a?b=1&c#d', 'https://example.com/a?b=1&c'],
  ['https://user:secret@example.com/a', 'https://example.com/a'],
  ['https://example.com/?', 'https://example.com'],
  ['https://www.gov.uk/', 'https://www.gov.uk'],
])('the key of %s is %s', (href, key) => {
  expect(addressOf(href)?.key).toBe(key)
})

test('the key of a key is the key itself', () => {
  for (const href of [
    'http://www.redis.io/a/?b#c',
    'https://example.com:8080',
    'https://bücher.de/ü',
  ]) {
    const key = addressOf(href)?.key ?? ''
    expect(addressOf(key)?.key).toBe(key)
  }
})

test('the address to open keeps scheme, www and trailing slash, but no fragment or password', () => {
  expect(addressOf('http://me:pw@www.example.com/a/#b')?.url).toBe('http://www.example.com/a/')
})

test.each([
  'mailto:me@example.com',
  'javascript:void 0',
  'ftp://example.com/a',
  'http://localhost:3000/',
  'http://127.0.0.1/',
  'http://2130706433/',
  'http://[::1]/',
  'http://intranet/',
  'http://printer.local/',
  'https://example.notatld/',
  'https://com/',
  'https://.github.io/',
  'https://a..com/',
  'docs/relative.md',
  '',
])('%j is not a page of the public web', (href) => {
  expect(addressOf(href)).toBeNull()
})
