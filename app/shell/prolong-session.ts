import { useEffect } from 'react'
import { z } from 'zod'
import { callApi } from '../http/call-api.ts'

/**
 * Keeps somebody signed in who comes back now and then: once a page, the browser itself asks for
 * its session, since only an answer to it can carry a cookie that lasts longer.
 */
export function useProlongedSession(): void {
  useEffect(() => {
    callApi('/auth/get-session', z.unknown()).catch(() => {
      // The session is as long as it was; the next page asks again.
    })
  }, [])
}
