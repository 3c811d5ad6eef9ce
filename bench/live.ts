/**
 * What it takes to bring the events of a job to those who watch it: by Searchlight, by the least
 * that could be done, by what one would put together from BullMQ and Socket.IO, and by polling.
 * Each has a server process of its own; publisher and clients are in this one. `npm run bench --
 * live [latency] [loss] [memory]`: only these parts.
 */
import type { Contender, Ground } from './live/contender.ts'
import { type Delivery, loads, measureDelivery } from './live/delivery.ts'
import { makeGround } from './live/ground.ts'
import { measureLoss, ordeal } from './live/loss.ts'
import { connectionsAllowed, idle, measureMemory } from './live/memory.ts'
import { polling } from './live/polling.ts'
import { queueEvents } from './live/queue-events.ts'
import { raw } from './live/raw.ts'
import { redisAdapter } from './live/redis-adapter.ts'
import { searchlight } from './live/searchlight.ts'
import { median, rounds, spread, withServices } from './measure.ts'

const contenders = [searchlight, raw, queueEvents, redisAdapter, polling]

/** Takes turns; answers what was measured of each, by name, a value per round. */
async function inTurns<Result>(
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

async function latency(ground: Ground): Promise<void> {
  const names = contenders.map(({ name }) => name)
  const of = await inTurns(rounds(5), names, (name) => measureDelivery(named(name), ground))
  for (const load of ['one', 'many'] as const) {
    const { clients, perSecond, events } = loads[load]
    const facts: [string, keyof Delivery, to: Contender, digits: number, bar: boolean][] = [
      ['until a client has an event, p50, ms', 'p50', raw, 2, true],
      ['until a client has an event, p99, ms', 'p99', raw, 2, false],
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

async function loss(ground: Ground): Promise<void> {
  const { clients, jobs, events, cutEveryMs } = ordeal
  const names = contenders.map(({ name }) => name)
  const of = await inTurns(rounds(5), names, (name) => measureLoss(named(name), ground))
  console.log(
    `\n${events} events of ${jobs} jobs to ${clients} clients: ${events * clients} deliveries a round; what the server listens by is cut every ${cutEveryMs} ms`,
  )
  for (const name of names) {
    const measured = of(name)
    const total = (
      fact: 'missing' | 'doubled' | 'outOfOrder' | 'endsMissing' | 'resyncs' | 'cuts',
    ) => measured.map((each) => each[fact]).join(' ')
    const moments = measured.flatMap(({ momentsSeen }) => momentsSeen ?? [])
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
        `${moments.length > 0 ? `; of the moments between, ${(median(moments) * 100).toFixed(1)} % were seen` : ''}${judged}`,
    )
  }
}

async function memory(ground: Ground): Promise<void> {
  const connections = connectionsAllowed()
  const kinds = Object.keys(idle) as (keyof typeof idle)[]
  const of = await inTurns(rounds(5), kinds, (name) =>
    measureMemory(idle[name as keyof typeof idle], connections, ground),
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
    `There is no part ${unknown.join(', ')}; say some of ${Object.keys(parts).join(', ')}, or nothing for all.`,
  )
  process.exit(2)
}

await withServices(async (urls) => {
  const ground = await makeGround(urls)
  for (const [name, part] of Object.entries(parts))
    if (chosen.length === 0 || chosen.includes(name)) await part(ground)
})
