/**
 * Longer than React needs to take a component off and put it on again, as StrictMode and a change
 * of pages do.
 */
const lingerMs = 1_000

/**
 * Something that goes on while anybody uses it: begun for the first, ended a moment after the last
 * has left.
 * @returns how to use it, which answers how to leave
 */
export function whileUsed(begin: () => void, end: () => void): () => () => void {
  let users = 0
  let ending: ReturnType<typeof setTimeout> | null = null
  return () => {
    users++
    if (ending) clearTimeout(ending)
    else if (users === 1) begin()
    ending = null
    return () => {
      users--
      if (users > 0) return
      ending = setTimeout(() => {
        ending = null
        end()
      }, lingerMs)
    }
  }
}
