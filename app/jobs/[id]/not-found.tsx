import { HomeLink } from '../../ui/home-link.tsx'
import { MessagePage } from '../../ui/message-page.tsx'

export default function JobNotFound() {
  return (
    <MessagePage title="There is no such search" action={<HomeLink />}>
      It may have been deleted, or it belongs to somebody else.
    </MessagePage>
  )
}
