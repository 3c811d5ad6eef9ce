/** Where somebody goes who started what runs already: to that job, which then says why. */
export function alreadyRunningPath(jobId: string): string {
  return `/jobs/${jobId}?notice=already-running`
}
