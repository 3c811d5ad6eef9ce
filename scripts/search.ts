import { z } from 'zod'
import { apiFromEnvironment, CannotCall } from './call-api.ts'
import { runOnServer } from './follow-job.ts'

const usage = `Usage: npm run search -- <type> [--<field> <value>]…

  npm run search -- linking-domains --domain github.com

Rows go to standard output, one JSON object a line; progress and notes to standard error.
SEARCHLIGHT_URL   where the server is (http://localhost:3000 unless set)
SEARCHLIGHT_KEY   an API key; make one with: npm run apikey -- create --email you@example.com --name terminal
Ctrl-C cancels the search.`

const Searches = z.object({
  searches: z.array(
    z.object({
      name: z.string(),
      input: z.object({
        properties: z.record(z.string(), z.looseObject({ type: z.string().optional() })),
      }),
    }),
  ),
})

async function main([name, ...flags]: string[]): Promise<number> {
  if (!name || name === '--help') throw new CannotCall(usage)
  const api = apiFromEnvironment(process.env)
  if (!api) throw new CannotCall(`Set SEARCHLIGHT_KEY.\n\n${usage}`)
  const { searches } = Searches.parse(await api.call('GET', '/api/searches'))
  const search = searches.find((candidate) => candidate.name === name)
  if (!search)
    throw new CannotCall(
      `There is no search “${name}”. There are: ${searches.map((each) => each.name).join(', ')}.`,
    )
  return runOnServer({ search: name, input: readFlags(flags, search.input.properties) }, api)
}

function readFlags(
  flags: string[],
  fields: Record<string, { type?: string | undefined }>,
): Record<string, unknown> {
  const input: Record<string, unknown> = {}
  for (let i = 0; i < flags.length; i += 2) {
    const field = flags[i]?.replace(/^--/, '') ?? ''
    const value = flags[i + 1]
    if (!flags[i]?.startsWith('--') || value === undefined || !fields[field]) {
      throw new CannotCall(
        `Give --<field> <value>. The fields are: ${Object.keys(fields).join(', ')}.`,
      )
    }
    input[field] =
      fields[field].type === 'integer' || fields[field].type === 'number' ? Number(value) : value
  }
  return input
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code
  },
  (error) => {
    console.error(error instanceof CannotCall ? error.message : error)
    process.exitCode = 2
  },
)
