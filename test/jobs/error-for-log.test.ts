import { DrizzleQueryError } from 'drizzle-orm/errors'
import { expect, test } from 'vitest'
import { errorForLog } from '#jobs/error-for-log.ts'

test('a failed query is logged without its parameters and values', () => {
  const cause = Object.assign(new Error('duplicate key'), {
    code: '23505',
    detail: 'Key (token)=(secret-token) already exists.',
  })
  const error = new DrizzleQueryError('insert into session values ($1)', ['secret-token'], cause)
  expect(String(error)).toContain('secret-token')
  const logged = JSON.stringify(errorForLog(new Error('Could not sign in', { cause: error })))
  expect(logged).not.toContain('secret-token')
  expect(logged).toContain('Failed query: insert into session values ($1)')
  expect(logged).toContain('23505')
})
