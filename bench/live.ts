/**
 * Measures the cost of delivering a job's events to its watchers: by Searchlight, by the bare
 * minimum, by the usual combinations of BullMQ and Socket.IO, and by polling. Each contender has
 * its own server process; publisher and clients run in this one. `npm run bench -- live [latency]
 * [loss] [memory]` runs only these parts.
 */
import type { BenchEnvironment, Contender } from './live/contender.ts'
import { type Delivery, loads, measureDelivery } from './live/delivery.ts'
import { prepareEnvironment } from './live/environment.ts'
import { measureLoss, scenario } from './live/loss.ts'
import { connectionsAllowed, idle, measureMemory } from './live/memory.ts'
import { polling } from './live/polling.ts'
import { queueEvents } from './live/queue-events.ts'
import { raw } from './live/raw.ts'
import { redisAdapter } from './live/redis-adapter.ts'
import { searchlight } from './live/searchlight.ts'
import { median, rounds, spread, withServices } from './measure.ts'

const contenders = [searchlight, raw, queueEvents, redisAdapter, polling]

/** Measures each name once per round. @returns the results of a name, one per round */
async function measureInRounds<Result>(
  count: number,
  names: readonly string[],
  measure: (name: string) => Promise<Result>,
): Promise<(name: string) => Result[]> {
  const measured = new Map<string, Result[]>(names.map((name) => [name, []]))
  for (let round = 0; round < count; round++) {
    for (const name of names) measured.get(name)?.push(await measure(name))
  }
  return (name) => measured.get(name) ?? []
}

/** The median of the rounds' ratios. */
function ratio(values: readonly number[], to: readonly number[]): number {
  return median(values.map((value, i) => value / (to[i] ?? Number.NaN)))
}

function verdict(met: boolean, bar: string): string {
  return `bar ${bar}: ${met ? 'met' : 'MISSED'}`
}

async function latency(env: BenchEnvironment): Promise<void> {
  const names = contenders.map(({ name }) => name)
  const of = await measureInRounds(rounds(5), names, (name) => measureDelivery(named(name), env))
  for (const load of ['one', 'many'] as const) {
    const { clients, perSecond, events } = loads[load]
    const facts: [string, keyof Delivery, to: Contender, digits: number, bar: boolean][] = [
      ['latency of an event at a client, p50, ms', 'p50', raw, 2, true],
      ['latency of an event at a client, p99, ms', 'p99', raw, 2, false],
      [
        'processor time of the server per delivered event, µs',
        'serverUs',
        redisAdapter,
        1,
        load === 'many',
      ],
      ['processor time of Redis per published event, µs', 'redisUs', redisAdapter, 1, false],
    ]
    console.log(
      `\n${clients} clients watch a job with ${perSecond} events/s; ${events} events a round`,
    )
    for (const [title, fact, to, digits, bar] of facts) {
      console.log(`\n  ${title}; × ${to.name}`)
      const figures = (name: string) => of(name).map((each) => each[load][fact])
      for (const name of names) {
        const times = ratio(figures(name), figures(to.name))
        const judged =
          bar && name === searchlight.name ? `  ${verdict(times <= 1.25, '≤ × 1.25')}` : ''
        console.log(
          `    ${name.padEnd(14)} ${spread(figures(name), digits).padEnd(30)} × ${times.toFixed(2)}${judged}`,
        )
      }
    }
  }
}

async function loss(env: BenchEnvironment): Promise<void> {
  const { clients, jobs, events, cutEveryMs } = scenario
  const names = contenders.map(({ name }) => name)
  const of = await measureInRounds(rounds(5), names, (name) => measureLoss(named(name), env))
  console.log(
    `\n${events} events of ${jobs} jobs to ${clients} clients: ${events * clients} deliveries a round; the server's subscriptions are cut every ${cutEveryMs} ms`,
  )
  for (const name of names) {
    const measured = of(name)
    const total = (
      fact: 'missing' | 'doubled' | 'outOfOrder' | 'endsMissing' | 'resyncs' | 'cuts',
    ) => measured.map((each) => each[fact]).join(' ')
    const positions = measured.flatMap(({ positionsSeen }) => positionsSeen ?? [])
    const judged =
      name === searchlight.name
        ? `; ${verdict(
            measured.every(({ missing }) => missing === 0),
            '0 lost',
          )}`
        : ''
    console.log(
      `  ${name.padEnd(14)} missing ${total('missing')}, doubled ${total('doubled')}, out of order ${total('outOfOrder')}, ` +
        `ends never seen ${total('endsMissing')} of ${jobs * clients}, resyncs ${total('resyncs')}, cuts ${total('cuts')}` +
        `${positions.length > 0 ? `; saw ${(median(positions) * 100).toFixed(1)} % of the intermediate states` : ''}${judged}`,
    )
  }
}

async function memory(env: BenchEnvironment): Promise<void> {
  const connections = connectionsAllowed()
  const kinds = Object.keys(idle) as (keyof typeof idle)[]
  const of = await measureInRounds(rounds(5), kinds, (name) =>
    measureMemory(idle[name as keyof typeof idle], connections, env),
  )
  console.log(`\nMemory of the server per idle connection, ${connections} connections, KB`)
  const rss = (name: string) => of(name).map((each) => each.rss / 1024)
  const more = (name: string) =>
    median(rss(name).map((kb, i) => kb - (rss('bare Socket.IO')[i] ?? Number.NaN)))
  for (const name of kinds) {
    const heap = of(name).map(({ heapUsed }) => heapUsed / 1024)
    const judged =
      name === 'searchlight' ? `  ${verdict(more(name) <= 4, '≤ bare Socket.IO + 4 KB')}` : ''
    const difference = `${more(name) < 0 ? '−' : '+'} ${Math.abs(more(name)).toFixed(1)}`
    console.log(
      `  ${name.padEnd(32)} RSS ${spread(rss(name), 1).padEnd(18)} ${difference}   heap ${spread(heap, 1)}${judged}`,
    )
  }
}

function named(name: string): Contender {
  const found = contenders.find((contender) => contender.name === name)
  if (!found) throw new Error(`No contender ${name}`)
  return found
}

const parts = { latency, loss, memory }
const chosen = process.argv.slice(2)
const unknown = chosen.filter((name) => !(name in parts))
if (unknown.length > 0) {
  console.error(
    `Unknown part: ${unknown.join(', ')}. Name one or more of ${Object.keys(parts).join(', ')}, or none to run all.`,
  )
  process.exit(2)
}

await withServices(async (urls) => {
  const env = await prepareEnvironment(urls)
  for (const [name, part] of Object.entries(parts))
    if (chosen.length === 0 || chosen.includes(name)) await part(env)
})
