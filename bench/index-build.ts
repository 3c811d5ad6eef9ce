/**
 * Measures how fast an index is built from a web archive on one core, and whether an archive ten
 * times as long takes more memory. The pages are generated: words by Zipf's law, as in natural
 * language, with markup and links between sites.
 */
import { spawn } from 'node:child_process'
import { createWriteStream, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { gzipSync } from 'node:zlib'
import { z } from 'zod'
import { createBuilds } from '#webindex/build/build-index.ts'
import { warcSource } from '#webindex/sources/warc/warc-source.ts'
import { median, rounds, spread } from './measure.ts'

/** Pages of each archive. PAGES=100000 measures a larger one. */
const sizes = (process.env.PAGES ?? '1000,10000').split(',').map(Number)
const sitesPerPage = 0.2
const wordsPerPage = 600
const linksPerPage = 40

const Measured = z.object({
  seconds: z.number(),
  readSeconds: z.number(),
  cpuSeconds: z.number(),
  maxRssMb: z.number(),
  pages: z.number(),
  links: z.number(),
  phrases: z.number(),
  indexMb: z.number(),
})
type Measured = z.infer<typeof Measured>

const syllables =
  'ba be bi bo da de di do fa fe ka ke ki ko la le li lo ma me mi mo na ne no pa pe ra re ri ro sa se ta te to va ve'.split(
    ' ',
  )
const vocabulary = Array.from({ length: 50_000 }, (_, n) => {
  let word = ''
  for (let rest = n + 40; rest > 0; rest = Math.floor(rest / syllables.length))
    word += syllables[rest % syllables.length]
  return word
})

/** A linear congruential generator (Numerical Recipes): the same numbers in each run. */
function createRandom(seed: number) {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

function* archive(pages: number): Generator<Buffer> {
  const random = createRandom(7)
  const sites = Math.ceil(pages * sitesPerPage)
  // Zipf's law with exponent 1 by inverse transform sampling: its cumulative distribution grows
  // with the logarithm of the rank.
  const word = () =>
    vocabulary[Math.min(vocabulary.length - 1, Math.floor(vocabulary.length ** random()) - 1)] ?? ''
  const words = (count: number) => Array.from({ length: count }, word).join(' ')
  const address = () =>
    `https://www.site-${Math.floor(sites * random() ** 3)}.com/${Math.floor(random() * 50)}.html`
  for (let n = 0; n < pages; n++) {
    const link = () =>
      `<li class="navigation-item navigation-item--level-2" data-tracking="nav"><a href="${address()}" class="link link--plain"${random() < 0.2 ? ' rel="nofollow"' : ''}>${words(3)}</a></li>\n`
    const paragraph = () =>
      `<div class="paragraph paragraph--body" style="margin: 0 0 1.5em">\n<p>${words(12)}, <b>${words(3)}</b> ${words(12)}. ${words(20)}.</p>\n</div>\n`
    const html = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${words(6)}</title><style>${'.a{color:#123456;padding:4px 8px}\n'.repeat(120)}</style><script>${'window.dataLayer=window.dataLayer||[];function gtag(){dataLayer.push(arguments)}\n'.repeat(60)}</script></head><body><ul>${Array.from({ length: linksPerPage }, link).join('')}</ul><h1>${words(5)}</h1>${Array.from({ length: wordsPerPage / 47 }, paragraph).join('')}</body></html>`
    const body = Buffer.from(html)
    const http = `HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: ${body.length}\r\n\r\n`
    const head = `WARC/1.0\r\nWARC-Type: response\r\nWARC-Target-URI: https://www.site-${n % sites}.com/${Math.floor(n / sites)}.html\r\nWARC-Date: 2026-01-02T03:04:05Z\r\nWARC-Record-ID: <urn:uuid:00000000-0000-4000-8000-${String(n).padStart(12, '0')}>\r\nContent-Type: application/http; msgtype=response\r\nContent-Length: ${http.length + body.length}\r\n\r\n`
    yield gzipSync(Buffer.concat([Buffer.from(head + http), body, Buffer.from('\r\n\r\n')]))
  }
}

/** Runs in its own process, so that the measured memory is the build's. */
async function build(path: string, dir: string): Promise<void> {
  const startedAt = performance.now()
  let readAt = 0
  const builds = createBuilds({ dir, threads: 1, now: () => new Date() })
  const { manifest } = await builds.add(await warcSource({ path }), {
    signal: new AbortController().signal,
    onProgress({ phase }) {
      if (!phase.startsWith('Reading')) readAt ||= performance.now()
    },
  })
  const { user, system } = process.cpuUsage()
  const bytes = Object.values(manifest.tables)
    .flatMap((table) => table?.shards ?? [])
    .reduce((sum, file) => sum + file.bytes, 0)
  const measured: Measured = {
    seconds: (performance.now() - startedAt) / 1000,
    readSeconds: (readAt - startedAt) / 1000,
    cpuSeconds: (user + system) / 1e6,
    maxRssMb: process.resourceUsage().maxRSS / 1024,
    pages: manifest.counts.pages,
    links: manifest.counts.links,
    phrases: manifest.counts.phrases,
    indexMb: bytes / 1e6,
  }
  process.stdout.write(JSON.stringify(measured))
}

async function buildInChildProcess(path: string): Promise<Measured> {
  const dir = mkdtempSync(join(tmpdir(), 'searchlight-bench-index-'))
  try {
    const child = spawn(
      process.execPath,
      ['--import', 'tsx', import.meta.filename, 'build', path, dir],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    return Measured.parse(JSON.parse(Buffer.concat(await child.stdout.toArray()).toString()))
  } finally {
    rmSync(dir, { recursive: true })
  }
}

async function measure(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'searchlight-bench-warc-'))
  try {
    const files = []
    for (const pages of sizes) {
      const path = join(folder, `${pages}.warc.gz`)
      let plainBytes = 0
      await pipeline(async function* () {
        for (const member of archive(pages)) {
          plainBytes += member.readUInt32LE(member.length - 4)
          yield member
        }
      }, createWriteStream(path))
      files.push({
        pages,
        path,
        plainMb: plainBytes / 1e6,
        mb: statSync(path).size / 1e6,
        runs: [] as Measured[],
      })
    }
    for (let round = 0; round < rounds(5); round++)
      for (const { path, runs } of files) runs.push(await buildInChildProcess(path))
    console.log(
      '| pages | archive, MB (unpacked) | pages/s overall | MB/s unpacked | pages/s, reading only | processor s ÷ s | peak memory, MB | links | phrases | index, MB |',
    )
    console.log('|---|---|---|---|---|---|---|---|---|---|')
    for (const { pages, plainMb, mb, runs } of files) {
      const spreadOf = (figure: (run: Measured) => number, digits = 0) =>
        spread(runs.map(figure), digits)
      const [first] = runs
      console.log(
        `| ${pages} | ${mb.toFixed(0)} (${plainMb.toFixed(0)}) | ${spreadOf((run) => run.pages / run.seconds)} | ${spreadOf((run) => plainMb / run.seconds, 1)} | ${spreadOf((run) => run.pages / run.readSeconds)} | ${spreadOf((run) => run.cpuSeconds / run.seconds, 2)} | ${spreadOf((run) => run.maxRssMb)} | ${first?.links} | ${first?.phrases} | ${first?.indexMb.toFixed(1)} |`,
      )
    }
    const [small, large] = files.map(({ runs }) => median(runs.map((run) => run.maxRssMb)))
    if (small && large)
      console.log(`\nPeak memory, large ÷ small archive: ${(large / small).toFixed(2)}`)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const [task, path = '', dir = ''] = process.argv.slice(2)
await (task === 'build' ? build(path, dir) : measure())
