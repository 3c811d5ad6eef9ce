import { expect, test } from 'vitest'
import { countTests } from '#scripts/gate/verdict.ts'
import { needsPages } from '#scripts/gate/what-to-run.ts'

const file = (status: string, ...statuses: string[]) => ({
  name: 'a.test.ts',
  status,
  assertionResults: statuses.map((status, at) => ({ status, fullName: `test ${at}` })),
})

test('passed and failed tests are counted', () => {
  const report = {
    success: false,
    testResults: [file('failed', 'passed', 'failed'), file('passed', 'passed')],
  }
  expect(countTests(report, 1)).toEqual({ passed: 2, failed: 1, skipped: [] })
})

test('skipped and todo tests count as failed and are named', () => {
  const report = { success: true, testResults: [file('passed', 'passed', 'skipped', 'todo')] }
  expect(countTests(report, 0)).toEqual({ passed: 1, failed: 2, skipped: ['test 1', 'test 2'] })
})

test('a file that could not run counts as failed', () => {
  expect(
    countTests({ success: false, testResults: [file('failed'), file('passed', 'passed')] }, 1),
  ).toMatchObject({
    passed: 1,
    failed: 1,
  })
})

test('a run that fails without a failed test counts as failed', () => {
  expect(countTests({ success: false, testResults: [file('passed', 'passed')] }, 1)).toMatchObject({
    passed: 1,
    failed: 1,
  })
  expect(countTests({ success: false, testResults: [] }, 1)).toMatchObject({ passed: 0, failed: 1 })
})

test('a missing report counts as failed', () => {
  expect(countTests(null, 0)).toMatchObject({ passed: 0, failed: 1 })
})

test('only browser tests need the pages; without a filter all tests run', () => {
  const files = ['test/e2e/pages.test.ts', 'test/e2e/live-search.test.ts']
  const needs = (...filters: string[]) => needsPages(filters, files)
  expect(needs()).toBe(true)
  expect(needs('test/e2e')).toBe(true)
  expect(needs('live-search')).toBe(true)
  expect(needs('./test/e2e/pages.test.ts:12')).toBe(true)
  expect(needs('test/jobs/reconcile.test.ts', 'pages')).toBe(true)
  expect(needs('test/jobs/reconcile.test.ts')).toBe(false)
  expect(needs('reconcile')).toBe(false)
})
