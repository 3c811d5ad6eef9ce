import { z } from 'zod'

type Value = string | number | boolean

interface Base {
  name: string
  label: string
  help: string | undefined
  required: boolean
  /** Says what a search is about: its title, if it has a value. */
  subject: boolean
  /** Conditions: show the field only while each of these choices has one of its listed values. */
  only: Record<string, string[]>
}

/** One control of a search's form, read from the JSON Schema of its input. */
export type Field =
  | (Base & { kind: 'text'; initial: string; examples: string[]; maxLength: number | undefined })
  | (Base & { kind: 'lines'; initial: string; examples: string[]; maxLength: number | undefined })
  | (Base & {
      kind: 'number'
      initial: string
      min: number | undefined
      max: number | undefined
      step: number | 'any'
    })
  | (Base & { kind: 'choice'; initial: string; options: { value: Value; label: string }[] })
  | (Base & { kind: 'switch'; initial: boolean })

const Scalar = z.union([z.string(), z.number(), z.boolean()])
const Alternative = z.object({ const: Scalar, title: z.string().optional() })
const Property = z.object({
  type: z.string().optional(),
  title: z.string().optional(),
  description: z.string().optional(),
  default: z.unknown().optional(),
  examples: z.array(z.unknown()).optional(),
  enum: z.array(Scalar).optional(),
  /** Labels of the enum's values. */
  labels: z.record(z.string(), z.string()).optional(),
  only: z.record(z.string(), z.array(z.string())).default({}),
  subject: z.boolean().default(false),
  anyOf: z.array(z.unknown()).optional(),
  oneOf: z.array(z.unknown()).optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  maxLength: z.number().optional(),
})
type Property = z.infer<typeof Property>
const ObjectSchema = z.object({
  properties: z.record(z.string(), Property),
  required: z.array(z.string()).default([]),
})

/** A text that may be longer than this gets a control of several lines. */
const maxSingleLineLength = 4_000

/** The fields of a form, in schema order. */
export function formFields(jsonSchema: unknown): Field[] {
  const { properties, required } = ObjectSchema.parse(jsonSchema)
  return Object.entries(properties).map(([name, property]) =>
    fieldOf(name, property, required.includes(name) && property.default === undefined),
  )
}

function fieldOf(name: string, property: Property, required: boolean): Field {
  const base: Base = {
    name,
    label: property.title ?? humanised(name),
    help: property.description,
    required,
    subject: property.subject,
    only: property.only,
  }
  const initial = Scalar.safeParse(property.default).data
  const options = optionsOf(property)
  if (options.length > 0)
    return { ...base, kind: 'choice', options, initial: String(initial ?? options[0]?.value ?? '') }
  switch (property.type) {
    case 'boolean':
      return { ...base, kind: 'switch', initial: initial === true }
    case 'integer':
    case 'number': {
      const step = property.type === 'integer' ? 1 : 'any'
      const { minimum: min, maximum } = property
      // zod adds this maximum to every integer; it is not a limit worth showing.
      const max = maximum === Number.MAX_SAFE_INTEGER ? undefined : maximum
      return {
        ...base,
        kind: 'number',
        initial: initial === undefined ? '' : String(initial),
        min,
        max,
        step,
      }
    }
    default: {
      const examples = (property.examples ?? []).map(String)
      const kind = (property.maxLength ?? 0) > maxSingleLineLength ? 'lines' : 'text'
      return {
        ...base,
        kind,
        initial: initial === undefined ? '' : String(initial),
        examples,
        maxLength: property.maxLength,
      }
    }
  }
}

function optionsOf(property: Property): { value: Value; label: string }[] {
  const label = (value: Value) => property.labels?.[String(value)] ?? humanised(String(value))
  if (property.enum) return property.enum.map((value) => ({ value, label: label(value) }))
  const alternatives = z.array(Alternative).safeParse(property.oneOf ?? property.anyOf)
  if (!alternatives.success) return []
  return alternatives.data.map(({ const: value, title }) => ({
    value,
    label: title ?? label(value),
  }))
}

/** The fields whose conditions hold for the chosen values. */
export function visibleFields(fields: readonly Field[], chosen: Record<string, string>): Field[] {
  const value = (name: string) =>
    chosen[name] ?? String(fields.find((field) => field.name === name)?.initial)
  return fields.filter(({ only }) =>
    Object.entries(only).every(([name, values]) => values.includes(value(name))),
  )
}

/**
 * The filled-in values, converted to the types of the schema. Empty options are left out, so that
 * their defaults apply.
 */
export function inputOf(fields: readonly Field[], filledIn: FormData): Record<string, Value> {
  const input: Record<string, Value> = {}
  for (const field of fields) {
    const text = String(filledIn.get(field.name) ?? '').trim()
    if (field.kind === 'switch') input[field.name] = filledIn.has(field.name)
    // An empty required text is sent: the search's own message says best what is missing.
    else if (text === '' && !(field.required && 'examples' in field)) continue
    else if (field.kind === 'number') input[field.name] = Number(text)
    else if (field.kind === 'choice') {
      const chosen = field.options.find(({ value }) => String(value) === text)
      if (chosen) input[field.name] = chosen.value
    } else input[field.name] = text
  }
  return input
}

/** linkDomain → "Link domain", all_words → "All words" */
export function humanised(name: string): string {
  if (name.toLowerCase() === 'url') return 'URL'
  const words = name
    .replaceAll(/[_-]+/g, ' ')
    .replaceAll(/([a-z])([A-Z])/g, (_, a, b) => `${a} ${b.toLowerCase()}`)
  return words.charAt(0).toUpperCase() + words.slice(1)
}
