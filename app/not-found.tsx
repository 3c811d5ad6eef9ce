import type { Metadata } from 'next'
import { HomeLink } from './ui/home-link.tsx'
import { MessagePage } from './ui/message-page.tsx'

export const metadata: Metadata = { title: 'Not found' }

export default function NotFound() {
  return (
    <MessagePage title="Page not found" action={<HomeLink />}>
      Check the address. The page may be gone.
    </MessagePage>
  )
}
