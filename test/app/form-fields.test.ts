import { expect, test } from 'vitest'
import { z } from 'zod'
import { formFields, inputOf, visibleFields } from '#app/search/form-fields.ts'
import { inputPhrase } from '#app/words/input-phrase.ts'
import { linkingDomains } from '#searches/linking-domains.ts'

const schema = (input: z.ZodObject) => z.toJSONSchema(input, { io: 'input' })
const fields = formFields(schema(linkingDomains.input))
const search = { ...linkingDomains, input: schema(linkingDomains.input) }

function filledIn(values: Record<string, string>): FormData {
  const form = new FormData()
  for (const [name, value] of Object.entries(values)) form.set(name, value)
  return form
}

test('the form fields come from the schema', () => {
  expect(fields.map(({ name, kind, required }) => [name, kind, required])).toEqual([
    ['domain', 'text', true],
    ['scope', 'choice', false],
    ['follow', 'choice', false],
    ['verify', 'choice', false],
    ['limit', 'number', false],
  ])
  expect(fields.find(({ name }) => name === 'verify')).toMatchObject({
    initial: '0',
    options: [
      { value: 0, label: 'No' },
      { value: 50, label: 'Top 50' },
      { value: 200, label: 'Top 200' },
      { value: 1000, label: 'Top 1,000' },
    ],
  })
  expect(fields.find(({ name }) => name === 'limit')).toMatchObject({
    initial: '1000',
    min: 1,
    max: 10_000,
    step: 1,
  })
})

test('the filled-in values match the schema', () => {
  const input = inputOf(
    fields,
    filledIn({ domain: ' redis.io ', scope: 'host', follow: 'all', limit: '50' }),
  )
  expect(input).toEqual({ domain: 'redis.io', scope: 'host', follow: 'all', limit: 50 })
  expect(linkingDomains.input.parse(input)).toMatchObject({ scope: 'host', limit: 50 })
})

test('an empty option falls back to its default, an empty required text is sent', () => {
  expect(
    inputOf(fields, filledIn({ domain: '', scope: 'site', follow: 'all', limit: '' })),
  ).toEqual({
    domain: '',
    scope: 'site',
    follow: 'all',
  })
})

test('an unknown choice is not sent', () => {
  expect(inputOf(fields, filledIn({ domain: 'redis.io', scope: 'moon' }))).toEqual({
    domain: 'redis.io',
  })
})

test('numbers, switches, long texts and labelled choices get their own controls', () => {
  const other = formFields(
    schema(
      z.object({
        verify: z.union([z.literal(0), z.literal(50)]).default(0),
        match: z.enum(['phrase', 'all_words']).meta({ labels: { phrase: 'The exact phrase' } }),
        keywords: z.string().max(100_000),
        deep: z.boolean().default(true),
        share: z.number().min(0.1),
        depth: z.number().int(),
      }),
    ),
  )
  const byName = Object.fromEntries(other.map((field) => [field.name, field]))
  expect(byName.verify).toMatchObject({
    kind: 'choice',
    options: [{ value: 0 }, { value: 50 }],
    initial: '0',
  })
  expect(byName.match).toMatchObject({
    options: [
      { value: 'phrase', label: 'The exact phrase' },
      { value: 'all_words', label: 'All words' },
    ],
  })
  expect(byName.keywords).toMatchObject({ kind: 'lines', maxLength: 100_000 })
  expect(byName.deep).toMatchObject({ kind: 'switch', initial: true })
  expect(byName.share).toMatchObject({ kind: 'number', min: 0.1, step: 'any' })
  expect(byName.depth).toMatchObject({ kind: 'number', max: undefined, step: 1 })
})

test('a job is described by its subject and its non-default options', () => {
  const input = { domain: 'redis.io', scope: 'host', follow: 'all', limit: 1_000 }
  expect(inputPhrase(input, search)).toEqual({
    subject: 'redis.io',
    details: ['Links to: this host'],
  })
})

test('a job of an unknown search type is described by its raw input', () => {
  expect(inputPhrase({ url: 'https://a.example', depth: 2 }, undefined)).toEqual({
    subject: 'https://a.example',
    details: ['Depth: 2'],
  })
})

test('a conditional field is visible only for the choices that need it', () => {
  const dependent = formFields({
    properties: {
      kind: { enum: ['letter', 'parcel'], default: 'letter' },
      weight: { type: 'number', only: { kind: ['parcel'] } },
    },
  })
  const names = (chosen: Record<string, string>) =>
    visibleFields(dependent, chosen).map(({ name }) => name)
  expect(names({})).toEqual(['kind'])
  expect(names({ kind: 'parcel' })).toEqual(['kind', 'weight'])
})
