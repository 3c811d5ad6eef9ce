'use client'

import { useEffect } from 'react'
import { reasonOf } from './http/reason.ts'
import { Button } from './ui/button.tsx'
import { MessagePage } from './ui/message-page.tsx'

export default function PageError({ error, retry }: { error: unknown; retry: () => void }) {
  useEffect(() => console.error(error), [error])
  return (
    <MessagePage
      title="This page failed to load"
      action={
        <Button kind="solid" onClick={() => retry()}>
          Try again
        </Button>
      }
    >
      {reasonOf(error) ?? 'Try again in a moment. Running searches are not affected.'}
    </MessagePage>
  )
}
