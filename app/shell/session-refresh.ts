import { useEffect } from 'react'
import { z } from 'zod'
import { callApi } from '../http/call-api.ts'

/**
 * Extends the session of a returning user. The browser itself must ask for its session, once a page
 * load: only a response to the browser can renew the cookie.
 */
export function useSessionRefresh(): void {
  useEffect(() => {
    callApi('/auth/get-session', z.unknown()).catch(() => {
      // The session keeps its expiry; the next page load tries again.
    })
  }, [])
}
