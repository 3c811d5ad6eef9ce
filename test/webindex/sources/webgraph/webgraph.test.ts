import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import type { ReadProgress, SourceItem } from '#webindex/source.ts'
import { type WebgraphOptions, webgraphSource } from '#webindex/sources/webgraph/webgraph-source.ts'
import { collect, temporaryFolder } from '../../index-fixture.ts'

const domains = [
  ...Array.from({ length: 5_000 }, (_, n) => `site${n}.${['com', 'org', 'co.uk', 'de'][n % 4]}`),
  'redis.io',
  'example.com',
  'xn--bcher-kva.de',
  'me.github.io',
  'github.io',
]
const targets = ['redis.io', 'bücher.de', 'me.github.io']

/** A graph with unordered edges, some of them repeated. */
function graph() {
  const id = (domain: string) => domains.indexOf(domain)
  const wanted = ['redis.io', 'xn--bcher-kva.de', 'me.github.io', 'example.com'].map(id)
  const edges: [number, number][] = []
  for (let n = 0; n < 50_000; n++) {
    const from = (n * 7_919) % domains.length
    edges.push([from, n % 25 === 0 ? (wanted[(n / 25) % 4] ?? 0) : (n * 104_729) % domains.length])
  }
  edges.push(edges[25] ?? [0, 0], [id('redis.io'), id('redis.io')])
  const ranks = domains
    .map((domain, n) => ({ domain, position: 1 + ((n * 3_001) % domains.length) }))
    .sort((a, b) => a.position - b.position)
  return { edges, ranks }
}

const reversed = (domain: string) => domain.split('.').reverse().join('.')
const lines = (rows: (string | number)[][]) => rows.map((row) => `${row.join('\t')}\n`).join('')

interface Shape {
  gz?: boolean
  hosts?: boolean
  header?: string[]
  /** Whether the vertices are out of order. */
  shuffled?: boolean
}

function writeGraph(
  folder: string,
  {
    gz = false,
    hosts = true,
    shuffled = false,
    header = ['#harmonicc_pos', '#harmonicc_val', '#pr_pos', '#pr_val', '#host_rev', '#n_hosts'],
  }: Shape = {},
) {
  const { edges, ranks } = graph()
  const cell: Record<string, (rank: { domain: string; position: number }) => string | number> = {
    harmonicc_pos: (rank) => rank.position,
    hc_pos: (rank) => rank.position,
    host_rev: (rank) => reversed(rank.domain),
    pr_pos: (rank) => 9_999 - rank.position,
  }
  const write = (name: string, text: string) => {
    const path = join(folder, `${name}.txt${gz ? '.gz' : ''}`)
    writeFileSync(path, gz ? gzipSync(text) : text)
    return path
  }
  const vertices = domains.map((domain, n) =>
    hosts ? [n, reversed(domain), 3] : [n, reversed(domain)],
  )
  const order = vertices.map((_, n) => (shuffled ? (n * 3_001) % vertices.length : n))
  return {
    vertices: write('vertices', lines(order.map((n) => vertices[n] ?? []))),
    edges: write('edges', lines(edges)),
    ranks: write(
      'ranks',
      lines([
        header,
        ...ranks.map((rank) => header.map((head) => cell[head.replace('#', '')]?.(rank) ?? 0.5)),
      ]),
    ),
  }
}

async function read(
  options: WebgraphOptions,
  onProgress: (progress: ReadProgress) => void = () => {},
): Promise<SourceItem[]> {
  const source = await webgraphSource(options)
  return collect(source.items({ signal: new AbortController().signal, onProgress }))
}

const edgesIn = (items: SourceItem[]) =>
  items
    .flatMap((item) => ('edge' in item ? [`${item.edge.fromSite} > ${item.edge.toSite}`] : []))
    .sort()
const ranksIn = (items: SourceItem[]) =>
  items.flatMap((item) => ('rank' in item ? [item.rank] : []))
const badIn = (items: SourceItem[]) => items.flatMap((item) => ('bad' in item ? [item.bad] : []))
const remarksIn = (items: SourceItem[]) =>
  items.flatMap((item) => ('remark' in item ? [item.remark] : []))
const passedIn = (items: SourceItem[]) =>
  items.reduce((sum, item) => sum + ('passed' in item ? item.passed : 0), 0)

/** Computed independently, by a loop over the same rows. */
function expectedEdges(): string[] {
  const sites = ['redis.io', 'xn--bcher-kva.de', 'me.github.io']
  const found = new Set<string>()
  for (const [from, to] of graph().edges) {
    const [source, target] = [domains[from] ?? '', domains[to] ?? '']
    if (sites.includes(target) && source !== target) found.add(`${source} > ${target}`)
  }
  return [...found].sort()
}

for (const [name, shape] of Object.entries({
  'plain, with hosts and new heads': {},
  'gzipped, without hosts, older heads': {
    gz: true,
    hosts: false,
    header: ['#hc_pos', '#harmonicc_val', '#pr_pos', '#pr_val', '#host_rev'],
  },
  'heads without # and in another order, shuffled vertices': {
    header: ['host_rev', 'pr_pos', 'harmonicc_pos'],
    shuffled: true,
  },
} satisfies Record<string, Shape>)) {
  test(`${name}: exactly the links to the targets and the ranks of the sites in them are kept`, async () => {
    const files = writeGraph(temporaryFolder(), shape)
    const items = await read({ ...files, targets })
    const edges = expectedEdges()
    expect(edges.length).toBeGreaterThan(1_000)
    expect(edgesIn(items)).toEqual(edges)
    const appear = new Set(edges.flatMap((edge) => edge.split(' > ')))
    const ranks = graph()
      .ranks.filter(({ domain }) => appear.has(domain))
      .map(({ domain, position }) => ({ site: domain, position }))
    expect(ranksIn(items)).toEqual(ranks)
    expect(badIn(items)).toEqual([])
    expect(remarksIn(items)).toEqual([])
    // All lines of the vertices and edges, and the ranks of other sites.
    expect(passedIn(items)).toBe(
      domains.length + graph().edges.length + domains.length - ranks.length,
    )
  })
}

test('without targets only the top ranks are kept', async () => {
  const { vertices, ranks } = writeGraph(temporaryFolder())
  const source = await webgraphSource({ vertices, ranks, targets: [] })
  expect(source.name).toBe('webgraph:ranks.txt')
  const items = await collect(
    source.items({ signal: new AbortController().signal, onProgress() {} }),
  )
  expect(ranksIn(items)).toEqual(
    graph().ranks.map(({ domain, position }) => ({ site: domain, position })),
  )
  expect(edgesIn(items)).toEqual([])
})

test('bad lines have file and line, and the others are read', async () => {
  const folder = temporaryFolder()
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  const items = await read({
    vertices: file('v', '0\tio.redis\r\n1\torg.a\r\nx\torg.b\r\n3\r\n4\tinternal.host\r\n5\torg.c'),
    edges: file(
      'e',
      '1\t0\r\n\nx\t0\n5\n5\t\n5\t0\t7\n-5\t0\n4\t0\n9\t0\n99999999999999999999\t0\n5\t0',
    ),
    ranks: file('r', '#harmonicc_pos\t#host_rev\n1\tio.redis\nx\torg.a\n3\n4\torg.c\n'),
    targets: ['redis.io', 'valkey.io'],
  })
  expect(edgesIn(items)).toEqual(['a.org > redis.io', 'c.org > redis.io'])
  expect(ranksIn(items)).toEqual([
    { site: 'redis.io', position: 1 },
    { site: 'c.org', position: 4 },
  ])
  expect(remarksIn(items)).toEqual(['valkey.io is not in the graph.'])
  expect(badIn(items)).toEqual([
    ...[3, 4].map((line) => ({ place: `v, line ${line}`, reason: 'it is not an id and a domain' })),
    ...[3, 4, 5, 6, 7, 10].map((line) => ({
      place: `e, line ${line}`,
      reason: 'it is not a pair of ids',
    })),
    { place: 'v, line 5', reason: '“internal.host” is not a domain on the public web' },
    { place: 'v, id 9', reason: 'an edge starts at it, but it is missing' },
    ...[3, 4].map((line) => ({
      place: `r, line ${line}`,
      reason: 'its position or domain is missing or invalid',
    })),
  ])
})

test('a bad line has the right number anywhere in the file, counting empty lines', async () => {
  const files = writeGraph(temporaryFolder())
  const rows = readFileSync(files.edges, 'utf8').split('\n')
  const places = [1, 20_000, 20_001, 49_999]
  for (const line of places) rows[line - 1] = 'x'
  rows[30_000 - 1] = ''
  writeFileSync(files.edges, gzipSync(rows.join('\n')))
  expect(badIn(await read({ ...files, targets })).map(({ place }) => place)).toEqual(
    places.map((line) => `edges.txt, line ${line}`),
  )
})

test('a gzip file that is cut off or damaged is refused', async () => {
  const files = writeGraph(temporaryFolder(), { gz: true })
  const whole = readFileSync(files.edges)
  writeFileSync(files.edges, whole.subarray(0, whole.length / 2))
  await expect(read({ ...files, targets })).rejects.toThrow(
    /edges\.txt\.gz can’t be imported: it is damaged or cut off/,
  )
  const damaged = Buffer.from(whole)
  damaged[whole.length - 6] = (damaged[whole.length - 6] ?? 0) ^ 0xff
  writeFileSync(files.edges, damaged)
  await expect(read({ ...files, targets })).rejects.toThrow(/damaged or cut off/)
})

test('a gzip bomb without line breaks is refused before it fills the memory', async () => {
  const files = writeGraph(temporaryFolder(), { gz: true })
  writeFileSync(files.edges, gzipSync(Buffer.alloc(50_000_000, '7')))
  await expect(read({ ...files, targets })).rejects.toThrow(
    /line 1 is longer than any line of a graph/,
  )
})

test('progress counts the bytes of all files, the vertices twice, and ends at the total', async () => {
  const files = writeGraph(temporaryFolder(), { gz: true })
  const size = (path: string) => statSync(path).size
  const steps: ReadProgress[] = []
  await read({ ...files, targets }, (progress) => steps.push(progress))
  const total = 2 * size(files.vertices) + size(files.edges) + size(files.ranks)
  expect(steps.at(-1)).toEqual({ done: total, total, unit: 'bytes' })
  expect(steps.every(({ done }, at) => done >= (steps[at - 1]?.done ?? 0))).toBe(true)
})

test('useless options are refused with a reason', async () => {
  const { vertices, edges } = writeGraph(temporaryFolder())
  const refusal = (options: Partial<WebgraphOptions>) =>
    webgraphSource({ vertices, edges, targets: ['redis.io'], ...options }).catch(String)
  expect(await refusal({ targets: [] })).toMatch(/There are neither targets nor ranks/)
  expect(await refusal({ edges: undefined })).toMatch(/There are targets only/)
  expect(await refusal({ targets: ['10.0.0.1'] })).toMatch(/IP address/)
  expect(await refusal({ targets: ['github.com/redis'] })).toMatch(/owner on a code host/)
  expect(await refusal({ targets: Array.from({ length: 1_001 }, (_, n) => `a${n}.com`) })).toMatch(
    /at most 1000/,
  )
  expect(await refusal({ vertices: '/nowhere/v.txt' })).toBe(
    'BadSource: v.txt can’t be imported: it can’t be read (ENOENT).',
  )
  expect(await refusal({ edges: tmpdir() })).toMatch(/it is a folder/)
  await expect(read({ vertices, ranks: edges, targets: [] })).rejects.toThrow(
    /lacks a column of positions/,
  )
})

test('an abort stops within 20 MB of edges', async () => {
  const folder = temporaryFolder()
  const files = writeGraph(folder, { gz: true })
  const edge = Array.from({ length: 200_000 }, (_, n) => `${n % 5_000}\t${(n * 7) % 5_000}\n`).join(
    '',
  )
  writeFileSync(files.edges, gzipSync(edge.repeat(10), { level: 1 }))
  const abort = new AbortController()
  const source = await webgraphSource({ ...files, targets: ['site1.org', 'site2.co.uk'] })
  let toldAfter = 0
  const reading = collect(
    source.items({
      signal: abort.signal,
      onProgress({ done }) {
        if (abort.signal.aborted) toldAfter++
        if (done < statSync(files.vertices).size + statSync(files.edges).size / 2) return
        abort.abort()
      },
    }),
  )
  await expect(reading).rejects.toThrow(/aborted/)
  expect(abort.signal.aborted).toBe(true)
  expect(toldAfter).toBeLessThanOrEqual(1)
})
