'use client'

import { useEffect } from 'react'
import './globals.css'
import { Button } from './ui/button.tsx'
import { MessagePage } from './ui/message-page.tsx'

/** When even the frame of the page fails. */
export default function GlobalError({ error, retry }: { error: unknown; retry: () => void }) {
  useEffect(() => console.error(error), [error])
  return (
    <html lang="en">
      <body>
        <title>Searchlight</title>
        <MessagePage
          title="Searchlight could not be shown"
          action={
            <Button kind="solid" onClick={() => retry()}>
              Try again
            </Button>
          }
        >
          Something failed before the page was ready. Searches that are running go on; try again in
          a moment.
        </MessagePage>
      </body>
    </html>
  )
}
