/** React takes components off and puts them on again (StrictMode, changes of page): outlast that. */
const lingerMs = 1_000

/**
 * Runs something as long as it has users: `start` for the first, `stop` a moment after the last.
 * @returns adds a user; what that returns removes it
 */
export function whileUsed(start: () => void, stop: () => void): () => () => void {
  let users = 0
  let stopping: ReturnType<typeof setTimeout> | null = null
  return () => {
    users++
    if (stopping) clearTimeout(stopping)
    else if (users === 1) start()
    stopping = null
    return () => {
      users--
      if (users > 0) return
      stopping = setTimeout(() => {
        stopping = null
        stop()
      }, lingerMs)
    }
  }
}
