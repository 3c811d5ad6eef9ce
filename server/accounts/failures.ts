import { AsyncLocalStorage } from 'node:async_hooks'

const current = new AsyncLocalStorage<(error: unknown) => void>()

/** Reports an error to the {@link untilFailure} that this code runs in, if any. */
export function noteFailure(error: unknown): void {
  current.getStore()?.(error)
}

/**
 * Runs `work`, but rejects with the first noted error that is `fatal`. better-auth swallows errors
 * of the database: it would report a signed-in user as unknown, and a sign-out as done that was not.
 */
export function untilFailure<Result>(
  work: () => Promise<Result>,
  fatal: (error: unknown) => boolean,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    current.run(
      (error) => {
        if (fatal(error)) reject(error)
      },
      () => work().then(resolve, reject),
    )
  })
}
