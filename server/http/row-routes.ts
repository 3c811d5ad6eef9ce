import { createRoute, z } from '@hono/zod-openapi'
import { stringify } from 'csv-stringify/sync'
import type { Row } from '#jobs/define-search.ts'
import type { Job } from '#jobs/job.ts'
import type { Log } from '#jobs/log.ts'
import { allRows, findRows, type JobPlaces } from '#jobs/postgres/find-rows.ts'
import { RowsPage } from '#jobs/rows-page.ts'
import { findSearch } from '#searches/catalog.ts'
import { findJob } from '../find-job.ts'
import type { Api } from './api-env.ts'
import { notFound } from './api-error.ts'
import { answers, JobId } from './openapi.ts'

const page = createRoute({
  method: 'get',
  path: '/api/jobs/{id}/rows',
  summary: 'Rows of a search, page by page',
  request: {
    params: JobId,
    query: z.object({
      from: z.coerce.number().int().min(0).default(0),
      limit: z.coerce.number().int().min(1).max(5_000).default(1_000),
    }),
  },
  responses: { 200: answers.of('Rows of the current attempt', RowsPage) },
})

export function addRowRoutes(api: Api, places: JobPlaces & { log: Log }): void {
  api.openapi(page, async (c) => {
    const job = await findJob(c.req.valid('param').id, c.get('principal'), places)
    if (!job) throw notFound()
    return c.json(await findRows(job, c.req.valid('query'), places), 200)
  })

  const formats = {
    'rows.csv': { type: 'text/csv; charset=utf-8', lines: csvLines },
    'rows.ndjson': { type: 'application/x-ndjson', lines: jsonLines },
  }
  for (const [name, { type, lines }] of Object.entries(formats)) {
    api.get(`/api/jobs/:id/${name}`, async (c) => {
      const job = await findJob(c.req.param('id') ?? '', c.get('principal'), places)
      if (!job) throw notFound()
      c.header('Content-Type', type)
      c.header(
        'Content-Disposition',
        `attachment; filename="${job.search}-${job.createdAt.slice(0, 10)}.${name.slice(5)}"`,
      )
      return c.body(streamOf(lines(job, allRows(job, places)), { job: job.id, log: places.log }))
    })
  }
}

/**
 * A stream that breaks if the text does, so that nobody takes a part of the rows for all of them.
 * Hono's own `stream` would end it normally, and print the error.
 */
function streamOf(
  text: AsyncGenerator<string>,
  { job, log }: { job: string; log: Log },
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder()
  return new ReadableStream({
    async pull(controller) {
      try {
        const { done, value } = await text.next()
        if (done) controller.close()
        else controller.enqueue(encoder.encode(value))
      } catch (error) {
        log.warn({ err: error, job }, 'A download broke off')
        controller.error(new Error('The download broke off'))
      }
    },
    async cancel() {
      await text.return(undefined)
    },
  })
}

async function* jsonLines(_job: Job, pages: AsyncIterable<Row[]>): AsyncGenerator<string> {
  for await (const rows of pages) yield `${rows.map((row) => JSON.stringify(row)).join('\n')}\n`
}

/** A header line, then a line per row, by the columns of the search. Formulas are escaped. */
async function* csvLines(job: Job, pages: AsyncIterable<Row[]>): AsyncGenerator<string> {
  const columns = findSearch(job.search)?.columns.map(({ key, label }) => ({ key, header: label }))
  let header = true
  for await (const rows of pages) {
    yield stringify(rows, {
      header,
      ...(columns ? { columns } : {}),
      escape_formulas: true,
      cast: { boolean: String },
    })
    header = false
  }
  if (header) yield stringify([], { header, ...(columns ? { columns } : {}) })
}
