import Link from 'next/link'
import { buttonLook } from '../../ui/button.tsx'
import { MessagePage } from '../../ui/message-page.tsx'

export default function JobNotFound() {
  return (
    <MessagePage
      title="There is no such search"
      action={
        <Link href="/" prefetch={false} className={buttonLook()}>
          Go to your searches
        </Link>
      }
    >
      It may have been deleted, or it belongs to somebody else.
    </MessagePage>
  )
}
