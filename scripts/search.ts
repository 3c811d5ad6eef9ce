import { parseArgs } from 'node:util'
import { z } from 'zod'
import { type SearchType, SearchTypes } from '#protocol/answers.ts'
import { apiAt } from '#protocol/client/call-api.ts'
import { runOnServer } from './follow-job.ts'
import { CannotCall, explained, serverFromEnvironment } from './server-address.ts'

const usage = `Usage: npm run search -- <type> [--<field> <value>]…

  npm run search -- linking-domains --domain github.com

Rows go to standard output, one JSON object a line; progress and notes to standard error.
SEARCHLIGHT_URL   address of the server (default: http://localhost:3000)
SEARCHLIGHT_KEY   API key. To create one:
                  npm run apikey -- create --email you@example.com --name terminal
Ctrl-C cancels the search.`

async function main([name, ...flags]: string[]): Promise<number> {
  if (!name || name === '--help') throw new CannotCall(usage)
  const server = serverFromEnvironment(process.env)
  if (!server) throw new CannotCall(`Set SEARCHLIGHT_KEY.\n\n${usage}`)
  const { searches } = await apiAt(server)('/searches', SearchTypes).catch((error) => {
    throw explained(error, server)
  })
  const search = searches.find((candidate) => candidate.name === name)
  if (!search) {
    const names = searches.map((each) => each.name).join(', ')
    throw new CannotCall(`There is no search “${name}”. Choose one of: ${names}.`)
  }
  return runOnServer({ search: name, input: readInput(flags, fieldsOf(search.input)) }, server)
}

const InputSchema = z.object({
  properties: z.record(z.string(), z.looseObject({ type: z.string().optional() })),
})
type Fields = z.infer<typeof InputSchema>['properties']

/** The fields of an input by its JSON Schema. */
function fieldsOf(input: SearchType['input']): Fields {
  return InputSchema.parse(input).properties
}

/** @throws {CannotCall} listing the available fields */
function readInput(args: string[], fields: Fields): Record<string, unknown> {
  const options = Object.fromEntries(
    Object.keys(fields).map((name) => [name, { type: 'string' as const }]),
  )
  try {
    const { values } = parseArgs({ args, options })
    return Object.fromEntries(
      Object.entries(values).map(([name, value]) => {
        const type = fields[name]?.type
        return [name, type === 'integer' || type === 'number' ? Number(value) : value]
      }),
    )
  } catch {
    const names = Object.keys(fields).join(', ')
    throw new CannotCall(`Give --<field> <value>. The fields are: ${names}.`)
  }
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
