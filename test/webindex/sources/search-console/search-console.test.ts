import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'csv-stringify/sync'
import { describe, expect, test } from 'vitest'
import type { LoggedQuery, SourceItem } from '#webindex/source.ts'
import { BadSource } from '#webindex/sources/files/bad-source.ts'
import {
  type SearchConsoleOptions,
  searchConsoleSource,
} from '#webindex/sources/search-console/search-console-source.ts'
import { collect, temporaryFolder } from '../../index-fixture.ts'
import { writeZip, type ZipContent } from '../write-zip.ts'

const never = () => new AbortController().signal

async function read(
  path: string,
  options: Partial<SearchConsoleOptions> = {},
): Promise<SourceItem[]> {
  const source = await searchConsoleSource({ path, property: 'example.com', ...options })
  return collect(source.items({ signal: never(), onProgress() {} }))
}

async function readZip(
  contents: ZipContent[],
  options: Partial<SearchConsoleOptions> = {},
): Promise<SourceItem[]> {
  const path = join(temporaryFolder(), 'export.zip')
  writeZip(path, contents)
  return read(path, options)
}

async function readCsv(
  name: string,
  content: string | Buffer,
  options: Partial<SearchConsoleOptions> = {},
): Promise<SourceItem[]> {
  const path = join(temporaryFolder(), name)
  writeFileSync(path, content)
  return read(path, options)
}

const queriesIn = (items: SourceItem[]) =>
  items.flatMap((item) => ('query' in item ? [item.query] : []))
const badIn = (items: SourceItem[]) => items.flatMap((item) => ('bad' in item ? [item.bad] : []))
const remarksIn = (items: SourceItem[]) =>
  items.flatMap((item) => ('remark' in item ? [item.remark] : []))

/** How exports in one language name their tables and write numbers. */
interface Dialect {
  files: {
    queries: string
    pages: string
    countries: string
    devices: string
    appearance: string
    dates: string
    filters: string
  }
  heads: {
    queries: string
    pages: string
    countries: string
    devices: string
    appearance: string
    dates: string
  }
  measures: [string, string, string, string]
  countries: string[]
  devices: string[]
  appearances: string[]
  count: (value: number) => string
  decimal: (value: number) => string
  percent: (value: string) => string
}

const arabicDigits = (text: string) =>
  text.replace(/\d/g, (digit) => '٠١٢٣٤٥٦٧٨٩'[Number(digit)] ?? '')

const dialects = {
  English: {
    files: {
      queries: 'Queries',
      pages: 'Pages',
      countries: 'Countries',
      devices: 'Devices',
      appearance: 'Search appearance',
      dates: 'Chart',
      filters: 'Filters',
    },
    heads: {
      queries: 'Top queries',
      pages: 'Top pages',
      countries: 'Country',
      devices: 'Device',
      appearance: 'Search Appearance',
      dates: 'Date',
    },
    measures: ['Clicks', 'Impressions', 'CTR', 'Position'],
    countries: ['United States', 'Germany', 'India'],
    devices: ['Mobile', 'Desktop', 'Tablet'],
    appearances: ['Review snippet', 'Translated results'],
    count: (value) => value.toLocaleString('en'),
    decimal: (value) => String(value),
    percent: (value) => `${value}%`,
  },
  German: {
    files: {
      queries: 'Suchanfragen',
      pages: 'Seiten',
      countries: 'Länder',
      devices: 'Geräte',
      appearance: 'Darstellung in der Suche',
      dates: 'Diagramm',
      filters: 'Filter',
    },
    heads: {
      queries: 'Häufigste Suchanfragen',
      pages: 'Häufigste Seiten',
      countries: 'Land',
      devices: 'Gerät',
      appearance: 'Darstellung',
      dates: 'Datum',
    },
    measures: ['Klicks', 'Impressionen', 'CTR', 'Position'],
    countries: ['Vereinigte Staaten', 'Deutschland', 'Indien'],
    devices: ['Mobil', 'Computer', 'Tablet'],
    appearances: ['Rezensions-Snippet', 'Übersetzte Ergebnisse'],
    count: (value) => value.toLocaleString('de'),
    decimal: (value) => String(value).replace('.', ','),
    percent: (value) => `${value.replace('.', ',')} %`,
  },
  French: {
    files: {
      queries: 'Requêtes',
      pages: 'Pages',
      countries: 'Pays',
      devices: 'Appareils',
      appearance: 'Apparence',
      dates: 'Graphique',
      filters: 'Filtres',
    },
    heads: {
      queries: 'Requêtes les plus fréquentes',
      pages: 'Pages les plus populaires',
      countries: 'Pays',
      devices: 'Appareil',
      appearance: 'Apparence',
      dates: 'Date',
    },
    measures: ['Clics', 'Impressions', 'CTR', 'Position'],
    countries: ['États-Unis', 'Allemagne', 'Inde'],
    devices: ['Mobile', 'Ordinateur', 'Tablette'],
    appearances: ['Extrait d’avis', 'Résultats traduits'],
    count: (value) => value.toLocaleString('fr'),
    decimal: (value) => String(value).replace('.', ','),
    percent: (value) => `${value.replace('.', ',')}\u202f%`,
  },
  Japanese: {
    files: {
      queries: 'クエリ',
      pages: 'ページ',
      countries: '国',
      devices: 'デバイス',
      appearance: '検索での見え方',
      dates: 'グラフ',
      filters: 'フィルタ',
    },
    heads: {
      queries: '上位のクエリ',
      pages: '上位のページ',
      countries: '国',
      devices: 'デバイス',
      appearance: '検索での見え方',
      dates: '日付',
    },
    measures: ['クリック数', '表示回数', 'CTR', '掲載順位'],
    countries: ['アメリカ合衆国', 'ドイツ', 'インド'],
    devices: ['モバイル', 'パソコン', 'タブレット'],
    appearances: ['レビュー スニペット', '翻訳された検索結果'],
    count: (value) => value.toLocaleString('ja'),
    decimal: (value) => String(value),
    percent: (value) => `${value}%`,
  },
  Arabic: {
    files: {
      queries: 'طلبات البحث',
      pages: 'الصفحات',
      countries: 'البلدان',
      devices: 'الأجهزة',
      appearance: 'المظهر',
      dates: 'الرسم',
      filters: 'الفلاتر',
    },
    heads: {
      queries: 'أهم طلبات البحث',
      pages: 'أهم الصفحات',
      countries: 'البلد',
      devices: 'الجهاز',
      appearance: 'المظهر',
      dates: 'التاريخ',
    },
    measures: ['النقرات', 'مرات الظهور', 'نسبة النقر إلى الظهور', 'الموضع'],
    countries: ['الولايات المتحدة', 'ألمانيا', 'الهند'],
    devices: ['الجوّال', 'الكمبيوتر', 'الجهاز اللوحي'],
    appearances: ['مقتطف المراجعة', 'نتائج مترجمة'],
    count: (value) => new Intl.NumberFormat('ar-EG').format(value),
    decimal: (value) => arabicDigits(String(value)).replace('.', '٫'),
    percent: (value) => `\u200f${arabicDigits(value).replace('.', '٫')}٪\u200f`,
  },
} satisfies Record<string, Dialect>

/** More than forty rows identify queries; fewer need their place in the archive or known words. */
function logOf(count: number): LoggedQuery[] {
  return Array.from({ length: count }, (_, n) => {
    const searches = 1 + ((n * 7919) % 2_500_000)
    return {
      query: n % 5 === 0 ? `كلمة ${n}` : `how to, "${n}"`,
      searches,
      clicks: (n * 31) % (searches + 1),
      position: 1 + (n % 900) / 10,
    }
  })
}

type Table = string[][]

function tablesIn(dialect: Dialect, log: LoggedQuery[]): Record<keyof Dialect['files'], Table> {
  const { count, decimal, percent, heads, measures } = dialect
  const numbers = ({ clicks, searches, position }: Omit<LoggedQuery, 'query'>) => [
    count(clicks),
    count(searches),
    percent(((100 * clicks) / searches).toFixed(2).replace(/\.?0+$/, '')),
    decimal(position ?? 0),
  ]
  const sums = { clicks: 1_240, searches: 35_400, position: 8.1 }
  const table = (head: string, cells: string[]): Table => [
    [head, ...measures],
    ...cells.map((cell) => [cell, ...numbers(sums)]),
  ]
  return {
    dates: table(heads.dates, ['2026-01-01', '2026-01-02', '2026-01-03']),
    queries: [[heads.queries, ...measures], ...log.map((row) => [row.query, ...numbers(row)])],
    pages: table(heads.pages, ['https://example.com/', 'https://example.com/a']),
    countries: table(heads.countries, dialect.countries),
    devices: table(heads.devices, dialect.devices),
    appearance: table(heads.appearance, dialect.appearances),
    filters: [
      ['A', 'B'],
      ['Web', '3'],
      ['x', 'y'],
    ],
  }
}

describe('a performance export', () => {
  for (const [language, dialect] of Object.entries<Dialect>(dialects)) {
    for (const [size, wording] of [
      [300, 'its own'],
      [12, 'its own'],
      [12, 'no known'],
    ] as const) {
      test(`in ${language}, ${size} queries, ${wording} words: every number is read and only queries are kept`, async () => {
        const log = logOf(size)
        const tables = tablesIn(dialect, log)
        const order = [
          'dates',
          'queries',
          'pages',
          'countries',
          'devices',
          'appearance',
          'filters',
        ] as const
        const items = await readZip(
          order.map((table, at) => {
            const rows =
              wording === 'its own'
                ? tables[table]
                : tables[table].map((row, line) => (line === 0 ? row.map(() => 'ꙮ') : row))
            const name = wording === 'its own' ? dialect.files[table] : `ꙮ${at}`
            return {
              name: `${name}.csv`,
              content: stringify(rows, {
                bom: true,
                record_delimiter: '\r\n',
                quoted_string: at % 2 === 0,
              }),
            }
          }),
        )
        expect(queriesIn(items)).toEqual(log)
        expect(badIn(items)).toEqual([])
        expect(remarksIn(items)).toHaveLength(6)
        expect(items).toHaveLength(size + 6)
      })
    }
  }

  test('may be semicolon or tab separated UTF-16 of either byte order', async () => {
    const log = logOf(60)
    const rows = tablesIn(dialects.German, log).queries
    const little = Buffer.from(`\ufeff${stringify(rows, { delimiter: ';' })}`, 'utf16le')
    expect(queriesIn(await readCsv('a.csv', little))).toEqual(log)
    const big = Buffer.from(`\ufeff${stringify(rows, { delimiter: '\t' })}`, 'utf16le').swap16()
    expect(queriesIn(await readCsv('b.csv', big))).toEqual(log)
  })

  test('with impressions before clicks is recognised by its click rates', async () => {
    const log = logOf(60)
    const rows = tablesIn(dialects.English, log).queries.map(
      ([query, clicks, searches, rate, position]) => [query, searches, clicks, rate, position],
    )
    expect(queriesIn(await readCsv('Queries.csv', stringify(rows)))).toEqual(log)
  })

  test('whose click rates fit neither column order is refused', async () => {
    const rows = Array.from({ length: 50 }, (_, n) => [`query ${n}`, '10', '100', '77%', '3'])
    await expect(
      readCsv('Queries.csv', stringify([['a', 'b', 'c', 'd', 'e'], ...rows])),
    ).rejects.toThrow(/its fourth column is not the click rate/)
  })

  test('a position of 0 is unknown', async () => {
    const items = await readCsv(
      'Queries.csv',
      'Top queries,Clicks,Impressions,CTR,Position\nredis,0,0,0%,0\nredis docs,0,3,0%,4.25\n',
    )
    expect(queriesIn(items).map(({ position }) => position)).toEqual([null, 4.25])
  })

  test('bad rows have file, line and reason, even if they are the majority', async () => {
    const rows = [
      'Top queries,Clicks,Impressions,CTR,Position',
      'redis,1,10,10%,2',
      'a,abc,10,10%,2',
      '',
      'b,1,x,10%,2',
      'c,1,10,10%,first',
      'd,11,10,110%,2',
      ',1,10,10%,2',
      'e,1,10',
      '"f,1,10,10%,2',
      'g,1,10,10%,0.5',
      'h,2,20,10%,3',
    ]
    const items = await readZip([{ name: 'Queries.csv', content: rows.join('\n') }])
    expect(queriesIn(items).map(({ query }) => query)).toEqual(['redis', 'h'])
    expect(badIn(items)).toEqual([
      { place: 'Queries.csv, line 3', reason: 'its value for clicks is “abc”, not a number' },
      { place: 'Queries.csv, line 5', reason: 'its value for impressions is “x”, not a number' },
      { place: 'Queries.csv, line 6', reason: 'its value for position is “first”, not a number' },
      { place: 'Queries.csv, line 7', reason: 'it has more clicks (11) than impressions (10)' },
      { place: 'Queries.csv, line 8', reason: 'its query is empty' },
      { place: 'Queries.csv, line 9', reason: 'it has 3 cells, not 5' },
      { place: 'Queries.csv, line 10', reason: 'it has an unclosed quotation mark' },
      { place: 'Queries.csv, line 11', reason: 'its position is 0.5, which is less than 1' },
    ])
  })
})

describe('a table of words', () => {
  const head = 'ꙮ,ꙮ,ꙮ,ꙮ,ꙮ\n'
  const body = (cells: string[]) => cells.map((cell) => `${cell},1,10,10%,2\n`).join('')

  test('that is single, short and unnamed is refused with examples, unless it is declared to hold queries', async () => {
    const csv = head + body(['redis', 'valkey'])
    await expect(readCsv('ꙮ.csv', csv)).rejects.toThrow(BadSource)
    await expect(readCsv('ꙮ.csv', csv)).rejects.toThrow(/“redis”, “valkey”…/)
    expect(queriesIn(await readCsv('ꙮ.csv', csv, { table: 'queries' }))).toHaveLength(2)
    const countries = { name: 'a.csv', content: head + body(['France', 'Peru']) }
    expect(queriesIn(await readZip([countries], { table: 'queries' }))).toEqual([])
  })

  test('of countries or devices is never taken for queries, whatever its name', async () => {
    for (const cells of [
      ['france', 'japan', 'peru'],
      ['日本', '中国'],
      ['мобильные устройства', 'компьютеры'],
    ]) {
      const items = await readCsv('Queries.csv', head + body(cells))
      expect(queriesIn(items)).toEqual([])
      expect(remarksIn(items)).toHaveLength(1)
    }
  })

  test('after the table of pages in an archive does not hold queries', async () => {
    const pages = {
      name: '1.csv',
      content: head + body(['https://example.com/', 'https://example.com/b']),
    }
    const words = { name: '2.csv', content: head + body(['レビュー', '翻訳']) }
    expect(queriesIn(await readZip([pages, words]))).toEqual([])
    expect(queriesIn(await readZip([words, pages]))).toHaveLength(2)
  })

  test('of an unknown shape is refused with its columns', async () => {
    await expect(readCsv('a.csv', 'Name,Age,City,Shoe\nx,1,y,2\n')).rejects.toThrow(
      /a table of 4 columns \(“Name”, “Age”, “City”, “Shoe”\)/,
    )
  })
})

describe('a links export', () => {
  test('of top linking sites holds referring domains, each as its site', async () => {
    const items = await readCsv(
      'Top linking sites.csv',
      'Site,Linking pages,Target pages\nredis.io,"1,240",7\ndocs.python.org,3,2\nexample.com,9,9\nbücher.de,1,1\nlocalhost,1,1\nx.github.io,5,1\n',
    )
    const to = (fromSite: string, linkingPages: number, targetPages: number) => ({
      edge: { fromSite, toSite: 'example.com', linkingPages, targetPages },
    })
    expect(items).toEqual([
      to('redis.io', 1240, 7),
      to('python.org', 3, 2),
      { passed: 1 },
      to('xn--bcher-kva.de', 1, 1),
      {
        bad: {
          place: 'Top linking sites.csv, line 6',
          reason: '“localhost” is not a site on the public web',
        },
      },
      to('x.github.io', 5, 1),
    ])
  })

  test('of latest links holds linking pages and when they were last seen', async () => {
    const latest = await readCsv(
      'Latest links.csv',
      'リンク元ページ,最終クロール日\nhttps://a.org/x,2026-01-31\nhttps://b.org/?q=1,2026年2月3日\nhttps://c.org/,2026-13-01\nhttps://10.0.0.1/,2026-01-01\nhttps://www.example.com/own,2026-01-01\n',
      {
        property: 'https://www.example.com/shop/',
      },
    )
    const targetUrl = 'https://www.example.com/shop/'
    expect(latest).toEqual([
      { reported: { sourceUrl: 'https://a.org/x', targetUrl, seenAt: new Date('2026-01-31') } },
      { reported: { sourceUrl: 'https://b.org/?q=1', targetUrl, seenAt: new Date('2026-02-03') } },
      {
        bad: {
          place: 'Latest links.csv, line 4',
          reason: '“2026-13-01” is not a date with the year first',
        },
      },
      {
        bad: {
          place: 'Latest links.csv, line 5',
          reason: '“https://10.0.0.1/” is not a page on the public web',
        },
      },
      { passed: 1 },
    ])
    const path = join(temporaryFolder(), 'More sample links.csv')
    writeFileSync(path, 'Linking page\nhttps://a.org/x\nhttps://a.org/y\n')
    utimesSync(path, 1_700_000_000, 1_700_000_000)
    expect(await read(path)).toEqual(
      ['x', 'y'].map((page) => ({
        reported: {
          sourceUrl: `https://a.org/${page}`,
          targetUrl: 'https://example.com/',
          seenAt: new Date(1_700_000_000_000),
        },
      })),
    )
  })

  test('of linked pages or link texts has nothing to index and says so', async () => {
    for (const csv of [
      'Target page,Incoming links,Linking sites\nhttps://example.com/,10,3\n',
      'Target page,Internal links\nhttps://example.com/,10\n',
      'Linking text\nredis\nclick here\n',
    ]) {
      const items = await readCsv('x.csv', csv)
      expect(items).toEqual([
        { remark: expect.stringMatching(/^Nothing to index in x\.csv: it holds link.*\.$/) },
      ])
    }
  })
})

describe('an archive', () => {
  const queries = {
    name: 'Queries.csv',
    content: 'Top queries,Clicks,Impressions,CTR,Position\nredis,1,10,10%,2\n',
  }

  test('whose entry declares an implausible size or ratio is refused by name, before it is unpacked', async () => {
    const bomb = { name: 'bomb.csv', content: Buffer.alloc(20_000_000, 'a') }
    await expect(readZip([queries, bomb])).rejects.toThrow(
      /“bomb\.csv” in it unpacks to more than 200 times its size/,
    )
    await expect(readZip([{ ...queries, declaredBytes: 300 * 1024 ** 2 }])).rejects.toThrow(
      /“Queries\.csv” in it unpacks to more than 256 MiB/,
    )
  })

  test('whose entries unpack to more than 1 GiB together is refused', async () => {
    const large = { content: randomBytes(1_400_000), declaredBytes: 250 * 1024 ** 2 }
    const entries = Array.from({ length: 5 }, (_, n) => ({ ...large, name: `${n}.csv` }))
    await expect(readZip(entries)).rejects.toThrow(
      /“4\.csv” in it and the files before it unpack to more than 1 GiB/,
    )
  })

  test('with a false size is refused', async () => {
    await expect(
      readZip([
        {
          name: 'Queries.csv',
          content: `${queries.content}${'a,1,10,10%,2\n'.repeat(1000)}`,
          declaredBytes: 30,
        },
      ]),
    ).rejects.toThrow(BadSource)
  })

  test('with too many entries, a name that leads out of it, or an encrypted table is refused', async () => {
    await expect(
      readZip(Array.from({ length: 1001 }, (_, n) => ({ name: `${n}.csv`, content: '' }))),
    ).rejects.toThrow(/more than 1000 files/)
    await expect(readZip([{ ...queries, name: '../../Queries.csv' }])).rejects.toThrow(
      /invalid relative path/,
    )
    await expect(readZip([{ ...queries, encrypted: true }])).rejects.toThrow(
      /“Queries\.csv” in it is encrypted/,
    )
  })

  test('that is cut off or damaged is refused', async () => {
    const path = join(temporaryFolder(), 'export.zip')
    writeZip(path, [queries])
    const whole = readFileSync(path)
    writeFileSync(path, whole.subarray(0, whole.length - 30))
    await expect(read(path)).rejects.toThrow(
      /export\.zip can’t be imported: the archive is damaged/,
    )
    const damaged = Buffer.from(whole)
    damaged.fill(0xff, 45, 60)
    writeFileSync(path, damaged)
    await expect(read(path)).rejects.toThrow(/Queries\.csv can’t be imported: it is damaged/)
  })

  test('is read without the archives in it and the hidden copies of macOS', async () => {
    const items = await readZip([
      { name: 'inner.zip', content: 'PK' },
      { name: '__MACOSX/._Queries.csv', content: '\0\0' },
      queries,
    ])
    expect(queriesIn(items)).toHaveLength(1)
    expect(remarksIn(items)).toEqual(['Skipped inner.zip: it is not a table.'])
  })
})

test('a folder of archives and tables is read without its subfolders and symbolic links', async () => {
  const folder = temporaryFolder()
  const outside = join(temporaryFolder(), 'secret.csv')
  const head = 'Top queries,Clicks,Impressions,CTR,Position\n'
  writeFileSync(outside, `${head}secret,1,10,10%,2\n`)
  symlinkSync(outside, join(folder, 'link.csv'))
  mkdirSync(join(folder, 'below'))
  writeFileSync(join(folder, 'Queries.csv'), `${head}redis,1,10,10%,2\nx,y,10,10%,2\n`)
  writeZip(join(folder, 'a.zip'), [
    { name: 'Queries.csv', content: `${head}valkey,1,10,10%,2\nx,y,10,10%,2\n` },
  ])
  const items = await read(folder)
  expect(queriesIn(items).map(({ query }) => query)).toEqual(['redis', 'valkey'])
  expect(badIn(items).map(({ place }) => place)).toEqual([
    'Queries.csv, line 3',
    'a.zip/Queries.csv, line 3',
  ])
  expect(remarksIn(items)).toEqual([
    'Skipped below: it is not a table.',
    'Skipped link.csv: it is not a table.',
  ])
})

test('a file that is not text is refused', async () => {
  await expect(readCsv('a.csv', Buffer.from([0x50, 0, 0x51, 0, 0x0a, 0]))).rejects.toThrow(
    'a.csv can’t be imported: it is not a text file.',
  )
  await expect(readCsv('a.csv', Buffer.from('Häufigste', 'latin1'))).rejects.toThrow(
    /neither UTF-8 nor UTF-16/,
  )
})

test('the property is a domain or an address on the public web, and names the source', async () => {
  const path = join(temporaryFolder(), 'a.csv')
  writeFileSync(path, 'Linking page\nhttps://a.org/\n')
  const named = async (property: string) => (await searchConsoleSource({ path, property })).name
  expect(await named('sc-domain:example.com')).toBe('search-console:example.com')
  expect(await named(' Example.com ')).toBe('search-console:example.com')
  expect(await named('https://www.example.com')).toBe('search-console:https://www.example.com/')
  for (const [property, reason] of [
    ['sc-domain:127.0.0.1', /IP address/],
    ['localhost', /your own computer/],
    ['co.uk', /many owners share/],
    ['', /not a domain/],
  ] as const)
    await expect(named(property)).rejects.toThrow(reason)
})

test('an abort stops the parsing', async () => {
  const path = join(temporaryFolder(), 'Queries.csv')
  writeFileSync(
    path,
    `Top queries,Clicks,Impressions,CTR,Position\n${'"a, b",1,10,10%,2\n'.repeat(300_000)}`,
  )
  const source = await searchConsoleSource({ path, property: 'example.com' })
  const abort = new AbortController()
  let reportsBefore = 0
  let reportsAfter = 0
  const onProgress = () => {
    if (abort.signal.aborted) reportsAfter++
    // The timer fires only if parsing yields to the event loop.
    else if (reportsBefore++ === 0) setTimeout(() => abort.abort(), 1)
  }
  await expect(collect(source.items({ signal: abort.signal, onProgress }))).rejects.toThrow(
    /aborted/,
  )
  expect(reportsAfter).toBeLessThanOrEqual(1)
})
