'use client'

import { useEffect } from 'react'
import { Button } from './ui/button.tsx'
import { MessagePage } from './ui/message-page.tsx'

export default function PageError({ error, retry }: { error: unknown; retry: () => void }) {
  useEffect(() => console.error(error), [error])
  return (
    <MessagePage
      title="This page could not be shown"
      action={
        <Button kind="solid" onClick={() => retry()}>
          Try again
        </Button>
      }
    >
      The server did not answer as it should. Searches that are running go on; try again in a
      moment.
    </MessagePage>
  )
}
