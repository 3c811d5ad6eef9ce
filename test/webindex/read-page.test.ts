import { expect, test } from 'vitest'
import { readHtml } from '#webindex/read-html.ts'
import { readMarkdown } from '#webindex/read-markdown.ts'

const link = { anchor: '', nofollow: false, kind: 'text' }

test('a link has its text with white space tidied, entities decoded and inner marks left out', () => {
  const { links } = readHtml('<a href="https://a.com/?x=1&amp;y=2">Fast\n  <b>&amp; safe</b></a>')
  expect(links).toEqual([{ ...link, href: 'https://a.com/?x=1&y=2', anchor: 'Fast & safe' }])
})

test('a link around an image alone is an image link with its alternative text', () => {
  const { links } = readHtml('<a href="/a"><img src="b.svg" alt="Build status"></a> <a href="/b"><img alt="x"> Words</a>')
  expect(links).toEqual([
    { ...link, href: '/a', anchor: 'Build status', kind: 'image' },
    { ...link, href: '/b', anchor: 'Words' },
  ])
})

test.each(['nofollow', 'noopener NOFOLLOW', 'ugc', 'sponsored noopener'])('rel="%s" is not followed', (rel) => {
  expect(readHtml(`<a href="/a" rel="${rel}">a</a>`).links[0]?.nofollow).toBe(true)
})

test('rel="noopener" is followed, unless the whole page says nofollow', () => {
  const html = '<a href="/a" rel="noopener">a</a>'
  expect(readHtml(html).links[0]?.nofollow).toBe(false)
  expect(readHtml(`<meta name="Robots" content="noindex, nofollow">${html}`).links[0]?.nofollow).toBe(true)
})

test('scripts, styles, comments and templates hold neither words nor links', () => {
  const page = readHtml(
    '<title>T</title><script>var a = "<a href=/x>x</a>"</script><style>p {}</style><!-- <a href="/y">y</a> --><template><a href="/z">z</a></template><p>two words',
  )
  expect(page).toEqual({ title: 'T', words: 2, text: 'two words', links: [] })
})

test('a link that is never closed ends where the next begins, or with the page', () => {
  expect(readHtml('<a href="/a">one <a href="/b">two').links.map(({ href, anchor }) => [href, anchor])).toEqual([
    ['/a', 'one'],
    ['/b', 'two'],
  ])
})

test('a page without title is named by its first heading', () => {
  expect(readHtml('<h1>First <i>one</i></h1><h1>Second</h1>').title).toBe('First one')
})

test('Markdown is read as a code host shows it', () => {
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

test('front matter gives the title and is no text', () => {
  expect(readMarkdown('---\ntitle: "Install it"\nurl: https://a.com\n---\n# Other\n')).toEqual({
    title: 'Install it',
    words: 1,
    text: 'Other',
    links: [],
  })
})
