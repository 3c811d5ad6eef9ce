import { z } from 'zod'

/** The number of checks or tests that passed and that failed. */
export interface Verdict {
  passed: number
  failed: number
}

/** The counted part of Vitest's JSON report. */
const Report = z.object({
  success: z.boolean(),
  testResults: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      assertionResults: z.array(z.object({ status: z.string(), fullName: z.string() })),
    }),
  ),
})

/**
 * Counts the tests of a Vitest run. Skipped and todo tests count as failed, and so do a file that
 * could not run and a run that failed for any other reason, so that nothing is ignored silently.
 * @param report written by Vitest's JSON reporter; null if Vitest crashed before it wrote one
 * @param exitCode of Vitest
 */
export function countTests(report: unknown, exitCode: number): Verdict & { skipped: string[] } {
  const { data } = Report.safeParse(report)
  if (data === undefined) return { passed: 0, failed: 1, skipped: [] }
  const tests = data.testResults.flatMap((file) => file.assertionResults)
  const passed = tests.filter(({ status }) => status === 'passed').length
  const skipped = tests
    .filter(({ status }) => status !== 'passed' && status !== 'failed')
    .map(({ fullName }) => fullName)
  const brokenFiles = data.testResults.filter(
    (file) =>
      file.status === 'failed' && !file.assertionResults.some(({ status }) => status === 'failed'),
  )
  const failed = tests.length - passed + brokenFiles.length
  return { passed, failed: failed === 0 && exitCode !== 0 ? 1 : failed, skipped }
}

export function sum(verdicts: Verdict[]): Verdict {
  const add = (key: keyof Verdict) => verdicts.reduce((total, verdict) => total + verdict[key], 0)
  return { passed: add('passed'), failed: add('failed') }
}
