import { expect, test } from 'vitest'
import { readTarget } from '#webindex/pages/link-target.ts'

test.each([
  ['redis.io', 'redis.io', 'redis.io'],
  ['  https://www.Redis.io/  ', 'redis.io', 'redis.io'],
  ['docs.redis.io/latest/', 'docs.redis.io/latest', 'redis.io'],
  ['//redis.io/x', 'redis.io/x', 'redis.io'],
  ['redis.io.', 'redis.io', 'redis.io'],
  ['github.com/redis', 'github.com/redis', 'github.com/redis'],
  ['https://github.com/redis/ioredis#readme', 'github.com/redis/ioredis', 'github.com/redis'],
  ['github.com', 'github.com', 'github.com'],
  ['Bücher.de', 'xn--bcher-kva.de', 'xn--bcher-kva.de'],
  ['redis.github.io', 'redis.github.io', 'redis.github.io'],
  ['REDIS.IO/Docs', 'redis.io/Docs', 'redis.io'],
  ['redis.io:6379', 'redis.io:6379', 'redis.io'],
  ['https://redis.io.:443/a', 'redis.io/a', 'redis.io'],
  ['http:redis.io', 'redis.io', 'redis.io'],
  ['https:///redis.io', 'redis.io', 'redis.io'],
  ['ｒｅｄｉｓ．ｉｏ', 'redis.io', 'redis.io'],
  ['президент.рф', 'xn--d1abbgf6aiiy.xn--p1ai', 'xn--d1abbgf6aiiy.xn--p1ai'],
])('%j is read as %s', (written, text, site) => {
  const reading = readTarget(written)
  expect(reading).toMatchObject({ ok: true, target: { text, site } })
  // A job stores this text and reads it again when it runs.
  expect(readTarget(text)).toEqual(reading)
})

test.each([
  ['127.0.0.1', /127\.0\.0\.1 is an IP address/],
  ['http://[::1]:8080/', /is an IP address/],
  ['[::1]', /is an IP address/],
  ['::1', /::1 is an IP address/],
  ['fe80::1%eth0', /is an IP address/],
  ['http://[2001:db8::1]:8080/x', /is an IP address/],
  ['127.1', /127\.0\.0\.1 is an IP address/],
  ['10.0.0.1.', /10\.0\.0\.1 is an IP address/],
  ['LOCALHOST.', /localhost is your own computer/],
  ['app.localhost', /localhost is your own computer/],
  ['http://CO.UK./', /“co\.uk” is an ending/],
  [
    'http://ann:secret@redis.io/',
    /^The address of “redis\.io” contains a user name or a password\./,
  ],
  ['http://redis.io@127.0.0.1/', /contains a user name/],
  [
    'javascript://redis.io/%0aalert(1)',
    /Only http and https addresses can be looked up, not javascript/,
  ],
  ['file:///etc/passwd', /Only http and https/],
  ['data:text/html,x', /is not a domain/],
  ['printer.local', /“\.local” is not an ending/],
  [`${'a'.repeat(300)}.com`, /^“a{60}…” is not a valid domain name/],
  ['2130706433', /127\.0\.0\.1 is an IP address/],
  ['localhost:3000', /localhost is your own computer/],
  ['co.uk', /“co\.uk” is an ending that many owners share.*example\.co\.uk/],
  ['github.io', /is an ending that many owners share/],
  ['com', /is an ending that many owners share/],
  ['redis', /“redis” is not a whole domain name/],
  ['example.notatld', /“\.notatld” is not an ending/],
  ['me@example.com', /looks like an e-mail address.*example\.com/],
  ['ftp://example.com', /Only http and https/],
  ['javascript:alert(1)', /is not a domain or a web address/],
  ['two words', /is not a domain or a web address/],
  ['*.redis.io', /is not a valid domain name/],
  ['a..com', /is not a valid domain name/],
  ['https://', /is not a domain or a web address/],
  ['!?', /is not a/],
])('%j is refused with a reason for people', (written, reason) => {
  const reading = readTarget(written)
  expect(reading).toEqual({ ok: false, reason: expect.stringMatching(reason) })
})
