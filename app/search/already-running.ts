/** The page of the running job that prevents another start. It shows a notice with the reason. */
export function alreadyRunningPath(jobId: string): string {
  return `/jobs/${jobId}?notice=already-running`
}
