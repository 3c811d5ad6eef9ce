import type { Metadata } from 'next'
import { JobsPage } from '../http/answers.ts'
import { callForVisitor, readSearchTypes, requireAccount } from '../http/for-visitor.ts'
import { HomeLink } from '../ui/home-link.tsx'
import { MessagePage } from '../ui/message-page.tsx'
import { AdminScreen } from './admin-screen.tsx'
import { PeopleAnswer, peopleOf, peoplePath } from './people.ts'

export const metadata: Metadata = { title: 'All searches' }

export default async function AdminPage() {
  const user = await requireAccount('/admin')
  if (user.role !== 'admin') return <AdminsOnly />
  const [searches, page, people] = await Promise.all([
    readSearchTypes(),
    callForVisitor('/jobs?user=all&limit=100', JobsPage),
    // A page of jobs is worth showing without names too.
    callForVisitor(peoplePath, PeopleAnswer).then(peopleOf, () => ({})),
  ])
  return <AdminScreen initial={page.jobs} searches={searches} userId={user.id} people={people} />
}

function AdminsOnly() {
  return (
    <MessagePage title="This page is for admins" action={<HomeLink />}>
      It shows the searches of everybody. Ask an admin if you need to see it.
    </MessagePage>
  )
}
