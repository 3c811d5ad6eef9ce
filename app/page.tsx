import { JobsPage } from '#protocol/answers.ts'
import { callForVisitor, readSearchTypes, requireAccount } from './http/for-visitor.ts'
import { MyJobsSection } from './job-list/my-jobs-section.tsx'
import { SearchPanel } from './search/search-panel.tsx'

/** `?search=keywords` opens the form of that search type. */
export default async function HomePage({
  searchParams,
}: {
  searchParams: Promise<{ search?: string | string[] }>
}) {
  await requireAccount('/')
  const { search } = await searchParams
  const [searches, page] = await Promise.all([
    readSearchTypes(),
    callForVisitor('/jobs?limit=20', JobsPage),
  ])
  return (
    <div className="mx-auto max-w-[1080px] px-4 pt-8 pb-20 sm:px-6 sm:pt-12">
      <SearchPanel searches={searches} initial={[search].flat()[0]} />
      <MyJobsSection initial={page.jobs} nextCursor={page.nextCursor ?? null} searches={searches} />
    </div>
  )
}
