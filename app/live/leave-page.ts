let signingOut = false
/** Signing out on this page leads where it leads; the server closing the socket changes nothing. */
export function setSigningOut(value: boolean): void {
  signingOut = value
}

/** The session has ended: signing in leads back to this page. */
export function goToSignIn(): void {
  if (signingOut) return
  const here = window.location.pathname + window.location.search
  window.location.assign(`/sign-in?next=${encodeURIComponent(here)}`)
}

const reloadedAtKey = 'reloaded-at'
const reloadAgainAfterMs = 60_000

/**
 * The account's role has changed: has the server render what it may see now. At most once a minute,
 * should that not help.
 */
export function reloadPage(): void {
  const last = Number(sessionStorage.getItem(reloadedAtKey) ?? 0)
  if (Date.now() - last < reloadAgainAfterMs) return
  sessionStorage.setItem(reloadedAtKey, String(Date.now()))
  window.location.reload()
}
