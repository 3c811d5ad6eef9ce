import { expect, test } from 'vitest'
import { countTests } from '#scripts/gate/verdict.ts'

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

test('a skipped test and one that is still to do count as failed, and are named', () => {
  const report = { success: true, testResults: [file('passed', 'passed', 'skipped', 'todo')] }
  expect(countTests(report, 0)).toEqual({ passed: 1, failed: 2, skipped: ['test 1', 'test 2'] })
})

test('a file that could not be run counts as failed', () => {
  expect(
    countTests({ success: false, testResults: [file('failed'), file('passed', 'passed')] }, 1),
  ).toMatchObject({
    passed: 1,
    failed: 1,
  })
})

test('a run that failed for no test counts as failed: an error after the end, or no test at all', () => {
  expect(countTests({ success: false, testResults: [file('passed', 'passed')] }, 1)).toMatchObject({
    passed: 1,
    failed: 1,
  })
  expect(countTests({ success: false, testResults: [] }, 1)).toMatchObject({ passed: 0, failed: 1 })
})

test('no report at all counts as failed', () => {
  expect(countTests(null, 0)).toMatchObject({ passed: 0, failed: 1 })
})
