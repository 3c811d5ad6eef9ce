import { expect, test } from 'vitest'
import { reasonOf, withReason } from '#app/http/reason.ts'
import { CallFailed } from '#protocol/client/call-api.ts'

test('a page that an outage keeps from loading can say why', () => {
  const outage = new CallFailed(503, { code: 'unavailable', message: 'Redis is busy.' })
  expect(reasonOf(withReason(outage))).toBe('Redis is busy.')
})

test('other errors show no details', () => {
  const fault = new CallFailed(500, { code: 'internal', message: 'secret-host' })
  expect(reasonOf(withReason(fault))).toBeNull()
  expect(reasonOf(Object.assign(new Error('x'), { digest: '123456' }))).toBeNull()
})
