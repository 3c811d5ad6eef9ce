let signingOut = false
/**
 * Whoever signs out here goes where they like; that the server ends the connection meanwhile is as
 * it should be.
 */
export function setSigningOut(is: boolean): void {
  signingOut = is
}

/** The session has ended: somebody signs in and comes back to this page. */
export function goToSignIn(): void {
  if (signingOut) return
  const here = window.location.pathname + window.location.search
  window.location.assign(`/sign-in?next=${encodeURIComponent(here)}`)
}

const renderedAnewAt = 'rendered-anew-at'
const againAfterMs = 60_000

/**
 * What this account may do has changed: the server renders the page for what it may do now. Not
 * again and again, should that not help.
 */
export function renderAnew(): void {
  const last = Number(sessionStorage.getItem(renderedAnewAt) ?? 0)
  if (Date.now() - last < againAfterMs) return
  sessionStorage.setItem(renderedAnewAt, String(Date.now()))
  window.location.reload()
}
