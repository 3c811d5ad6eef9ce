import type { Metadata } from 'next'
import Link from 'next/link'
import { buttonLook } from './ui/button.tsx'
import { MessagePage } from './ui/message-page.tsx'

export const metadata: Metadata = { title: 'Not found' }

export default function NotFound() {
  return (
    <MessagePage
      title="There is no such page"
      action={
        <Link href="/" prefetch={false} className={buttonLook()}>
          Go to your searches
        </Link>
      }
    >
      The address may be mistyped, or what was here is gone.
    </MessagePage>
  )
}
