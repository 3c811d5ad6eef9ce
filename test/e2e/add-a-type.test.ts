import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildPages } from '#scripts/build-pages.ts'
import { apiClient, connectSocket, root } from '../server/server-fixture.ts'
import { openLive, signIn, startWhole, type Whole } from './whole-fixture.ts'

/** The one file that adds the type. */
const wordLengths = `import { z } from 'zod'
import { defineSearch, type SearchContext } from '#jobs/define-search.ts'
import type { SearchTools } from '#searches/search-tools.ts'

const Input = z.object({
  sentence: z.string().trim().min(1, 'Write a sentence.').max(200).meta({ title: 'Sentence', description: 'The words to measure.' }),
  shortest: z.number().int().min(1).default(1).meta({ title: 'Shortest', description: 'Leave out words with fewer letters.' }),
})

export const wordLengths = defineSearch<SearchTools, typeof Input>({
  name: 'word-lengths',
  title: 'Word lengths',
  description: 'The length of each word in a sentence.',
  input: Input,
  columns: [
    { key: 'word', label: 'Word', type: 'text', help: 'The word as typed.' },
    { key: 'letters', label: 'Letters', type: 'number', help: 'Number of letters.' },
  ],
  async *run({ sentence, shortest }, { progress, note }: SearchContext<SearchTools>) {
    const words = sentence.split(' ')
    note(\`Measuring \${words.length} words.\`)
    for (const [i, word] of words.entries()) {
      if (word.length >= shortest) yield { word, letters: word.length }
      progress({ phase: 'Measuring', done: i + 1, total: words.length, unit: 'words' })
    }
  },
})
`
const parts = [
  'app',
  'crawler',
  'jobs',
  'local',
  'processes',
  'protocol',
  'searches',
  'server',
  'webindex',
  'workers',
  'package.json',
  'tsconfig.json',
  'next.config.js',
]

let project: string
let whole: Whole

beforeAll(async () => {
  await buildPages({ say: () => {} })
  project = await mkdtemp(join(tmpdir(), 'searchlight-type-'))
  for (const part of parts) await cp(join(root, part), join(project, part), { recursive: true })
  for (const part of ['node_modules', '.next']) await symlink(join(root, part), join(project, part))
  await writeFile(join(project, 'searches/word-lengths.ts'), wordLengths)
  const catalog = join(project, 'searches/catalog.ts')
  const text = await readFile(catalog, 'utf8')
  // The one line: an import and an entry. The linter would split it into two.
  await writeFile(
    catalog,
    `import { wordLengths } from './word-lengths.ts'\n${text.replace(/= \[/, '= [wordLengths, ')}`,
  )
  whole = await startWhole({ shards: 4, sites: 10 }, project)
  await whole.addWorker()
})

afterAll(async () => {
  await whole.stop()
  await rm(project, { recursive: true })
})

test('one file and one line add a type with its form, checks, live rows, CSV and history entry', async () => {
  const { user } = await whole.makePeople()
  const call = apiClient(whole.url, user.key)

  const { searches } = (await call('GET', '/api/searches')).body
  expect(searches[0]).toMatchObject({
    name: 'word-lengths',
    columns: [{ key: 'word' }, { key: 'letters' }],
  })
  const refused = await call('POST', '/api/jobs', {
    search: 'word-lengths',
    input: { sentence: ' ' },
  })
  expect(refused.body.error).toMatchObject({
    issues: [{ path: 'input.sentence', message: 'Write a sentence.' }],
  })

  const context = await signIn(whole, 'user@example.com')
  const page = await openLive(context, '/')
  await page.getByRole('textbox', { name: 'Sentence' }).fill('a lighthouse finds ships')
  await page.getByLabel('Shortest').fill('2')
  await page.getByRole('button', { name: 'Start search' }).click()
  await page.waitForURL(/\/jobs\//)
  await page.locator('[data-job-state="complete"]').first().waitFor()
  for (const cell of ['lighthouse', '10', 'finds', 'ships'])
    await page.getByRole('cell', { name: cell, exact: true }).first().waitFor()
  const id = new URL(page.url()).pathname.replace('/jobs/', '')

  const socket = await connectSocket(whole.url, user.key)
  const [{ job }] = await socket.emitWithAck('watch', { jobs: [{ id }] })
  expect(job).toMatchObject({
    search: 'word-lengths',
    state: 'complete',
    rowCount: 3,
    input: { shortest: 2 },
  })
  socket.close()

  expect((await call('GET', `/api/jobs/${id}/rows.csv`)).body).toBe(
    'Word,Letters\nlighthouse,10\nfinds,5\nships,5\n',
  )
  const { events } = (await call('GET', `/api/jobs/${id}/timeline`)).body
  expect(events.flatMap((event: { data: { text?: string } }) => event.data.text ?? [])).toEqual([
    'Measuring 4 words.',
  ])
  expect((await call('GET', '/api/jobs?search=word-lengths')).body.jobs).toMatchObject([
    { id, rowCount: 3 },
  ])
  await page.goto('/')
  await page.getByRole('link', { name: /lighthouse finds ships/ }).waitFor()
  await context.close()
})
