import type { Metadata } from 'next'
import { JobsPage, Stats } from '#protocol/answers.ts'
import { callForVisitor, readSearchTypes, requireAccount } from '../http/for-visitor.ts'
import { filterQuery, readFilter } from '../live/feed-filter.ts'
import { HomeLink } from '../ui/home-link.tsx'
import { MessagePage } from '../ui/message-page.tsx'
import { AdminScreen } from './admin-screen.tsx'
import { PeopleAnswer, peopleOf, peoplePath } from './people.ts'

export const metadata: Metadata = { title: 'All searches' }

interface AdminPageProps {
  searchParams: Promise<Record<string, string | string[] | undefined>>
}

export default async function AdminPage({ searchParams }: AdminPageProps) {
  const params = await searchParams
  const filter = readFilter({ get: (name) => [params[name]].flat()[0] ?? null })
  const query = filterQuery(filter)
  const user = await requireAccount(`/admin${query}`)
  if (user.role !== 'admin') return <AdminsOnly />
  const [searches, page, { counts }, people] = await Promise.all([
    readSearchTypes(),
    callForVisitor(`/jobs${query === '' ? '?' : `${query}&`}user=all&limit=200`, JobsPage),
    callForVisitor('/admin/stats', Stats),
    // If this fails, show the jobs without their owners' emails.
    callForVisitor(peoplePath, PeopleAnswer).then(peopleOf, () => ({})),
  ])
  const initial = { jobs: page.jobs, counts, settled: true }
  return <AdminScreen initial={initial} searches={searches} userId={user.id} people={people} />
}

function AdminsOnly() {
  return (
    <MessagePage title="This page is for admins" action={<HomeLink />}>
      It shows all users’ searches. Ask an admin for access.
    </MessagePage>
  )
}
