'use client'

import { useEffect } from 'react'
import './globals.css'
import { Button } from './ui/button.tsx'
import { MessagePage } from './ui/message-page.tsx'

/** Shown when the root layout itself fails. */
export default function GlobalError({ error, retry }: { error: unknown; retry: () => void }) {
  useEffect(() => console.error(error), [error])
  return (
    <html lang="en">
      <body>
        <title>Searchlight</title>
        <MessagePage
          title="Searchlight failed to load"
          action={
            <Button kind="solid" onClick={() => retry()}>
              Try again
            </Button>
          }
        >
          Try again in a moment. Running searches are not affected.
        </MessagePage>
      </body>
    </html>
  )
}
