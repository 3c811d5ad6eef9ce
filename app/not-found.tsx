import type { Metadata } from 'next'
import { HomeLink } from './ui/home-link.tsx'
import { MessagePage } from './ui/message-page.tsx'

export const metadata: Metadata = { title: 'Not found' }

export default function NotFound() {
  return (
    <MessagePage title="There is no such page" action={<HomeLink />}>
      The address may be mistyped, or what was here is gone.
    </MessagePage>
  )
}
