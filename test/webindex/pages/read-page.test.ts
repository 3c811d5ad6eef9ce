import { expect, test } from 'vitest'
import { readHtml, readHtmlInSlices } from '#webindex/pages/read-html.ts'
import { readMarkdown, readMarkdownInSlices } from '#webindex/pages/read-markdown.ts'

const link = { anchor: '', nofollow: false, kind: 'text' }

test('anchor text has tidy white space, decoded entities and no inner tags', () => {
  const { links } = readHtml('<a href="https://a.com/?x=1&amp;y=2">Fast\n  <b>&amp; safe</b></a>')
  expect(links).toEqual([{ ...link, href: 'https://a.com/?x=1&y=2', anchor: 'Fast & safe' }])
})

test('a link around only an image is an image link with the alternative text', () => {
  const { links } = readHtml(
    '<a href="/a"><img src="b.svg" alt="Build status"></a> <a href="/b"><img alt="x"> Words</a>',
  )
  expect(links).toEqual([
    { ...link, href: '/a', anchor: 'Build status', kind: 'image' },
    { ...link, href: '/b', anchor: 'Words' },
  ])
})

test.each(['nofollow', 'noopener NOFOLLOW', 'ugc', 'sponsored noopener'])(
  'a link with rel="%s" is nofollow',
  (rel) => {
    expect(readHtml(`<a href="/a" rel="${rel}">a</a>`).links[0]?.nofollow).toBe(true)
  },
)

test('a link with rel="noopener" is followed unless the whole page is nofollow', () => {
  const html = '<a href="/a" rel="noopener">a</a>'
  expect(readHtml(html).links[0]?.nofollow).toBe(false)
  expect(
    readHtml(`<meta name="Robots" content="noindex, nofollow">${html}`).links[0]?.nofollow,
  ).toBe(true)
})

test('scripts, styles, comments and templates contribute no words and no links', () => {
  const page = readHtml(
    '<title>T</title><script>var a = "<a href=/x>x</a>"</script><style>p {}</style><!-- <a href="/y">y</a> --><template><a href="/z">z</a></template><p>two words',
  )
  expect(page).toEqual({
    title: 'T',
    words: 2,
    text: 'two words',
    links: [],
    base: null,
    canonical: null,
    noindex: false,
  })
})

test('text is the visible text without the title, with a line break at the end of each block', () => {
  const { text, words } = readHtml(
    '<title>Not this</title><body><h1>First  <i>head</i>ing</h1><p>One\n <b>sen</b>tence &amp; caf&eacute;<br>next line<ul><li>item <li>last</ul><table><tr><td>a<td>b</table>',
  )
  expect(text).toBe('First heading\nOne sentence & café\nnext line\nitem\nlast\na\nb')
  // Inline elements and entities don’t split a word.
  expect(words).toBe(text.split(/[^a-zé]+/i).length)
})

test('the first base href counts, and robots rules set noindex', () => {
  expect(readHtml('<base target="x"><base href="/a/"><base href="/b/">').base).toBe('/a/')
  const noindex = (content: string) => readHtml(`<meta name="robots" content="${content}">`).noindex
  expect(
    ['noindex', 'NONE', 'follow,noindex', 'all', 'max-image-preview:none', 'nofollow'].map(noindex),
  ).toEqual([true, true, true, false, false, false])
})

test('a page read in slices is the same page, wherever the slices cut', async () => {
  const html = `<title>Long</title>${Array.from({ length: 3_000 }, (_, n) => `<p>Word${n} &eacute;t&eacute; <a href="/p/${n}">l<b>in</b>k ${n}</a> <!-- no --></p>`).join('')}`
  let slices = 0
  const page = await readHtmlInSlices(html, async () => {
    slices++
  })
  expect(slices).toBe(Math.ceil(html.length / 16_384))
  expect(page).toEqual(readHtml(html))
  expect(page).toMatchObject({ words: 4 * 3_000 })
  expect(page.links).toHaveLength(3_000)
  const markdown = `# Long\n\n${Array.from({ length: 1_000 }, (_, n) => `## Part ${n}\n\nSome *text* with a [link](/p/${n}).\n\n`).join('')}`
  expect(await readMarkdownInSlices(markdown, async () => {})).toEqual(readMarkdown(markdown))
})

test('content nested thousands of elements deep is not read', () => {
  const { words, links } = readHtml(
    `one <a href="/a">two</a>${'<b>'.repeat(3_000)}three</b> <a href="/b">four</a>`,
  )
  expect([words, links.length]).toEqual([2, 1])
})

test('an unclosed link ends at the next link or at the end of the page', () => {
  expect(
    readHtml('<a href="/a">one <a href="/b">two').links.map(({ href, anchor }) => [href, anchor]),
  ).toEqual([
    ['/a', 'one'],
    ['/b', 'two'],
  ])
})

test('the first heading is the title of a page without one', () => {
  expect(readHtml('<h1>First <i>one</i></h1><h1>Second</h1>').title).toBe('First one')
})

test('Markdown is read as a code host renders it', () => {
  const page = readMarkdown(
    [
      '# Guide',
      '[text](https://a.com "t"), bare https://b.com/x and `https://not.com`, [ref][r]',
      '[![badge](https://img.com/x.svg)](https://ci.com)',
      '<a href="https://html.com" rel="nofollow">html</a>',
      '```',
      '[no](https://code.com)',
      '```',
      '[r]: https://ref.com',
    ].join('\n\n'),
  )
  expect(page.title).toBe('Guide')
  expect(page.links).toEqual([
    { ...link, href: 'https://a.com', anchor: 'text' },
    { ...link, href: 'https://b.com/x', anchor: 'https://b.com/x' },
    { ...link, href: 'https://ref.com', anchor: 'ref' },
    { ...link, href: 'https://ci.com', anchor: 'badge', kind: 'image' },
    { ...link, href: 'https://html.com', anchor: 'html', nofollow: true },
  ])
})

test('front matter gives the title and no text', () => {
  expect(readMarkdown('---\ntitle: "Install it"\nurl: https://a.com\n---\n# Other\n')).toEqual({
    title: 'Install it',
    words: 1,
    text: 'Other',
    links: [],
  })
})
