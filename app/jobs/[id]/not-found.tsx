import { HomeLink } from '../../ui/home-link.tsx'
import { MessagePage } from '../../ui/message-page.tsx'

export default function JobNotFound() {
  return (
    <MessagePage title="Search not found" action={<HomeLink />}>
      It may have been deleted, or it belongs to another user.
    </MessagePage>
  )
}
