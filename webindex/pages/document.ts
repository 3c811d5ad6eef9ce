/**
 * How a link is known. `text` and `image` links stand on their page; a `metadata` link was declared
 * in a file such as package.json; a `reported` link comes from a search engine's report, which
 * names the source page only.
 */
export const linkKinds = ['text', 'image', 'metadata', 'reported'] as const
export type LinkKind = (typeof linkKinds)[number]

export interface DocumentLink {
  /** Absolute. */
  href: string
  /** Visible text, else the image's alternative text, else ''. */
  anchor: string
  /** Its rel has nofollow, ugc or sponsored, or the whole page is nofollow. */
  nofollow: boolean
  kind: LinkKind
}

/** One page, as a dataset hands it to the build. */
export interface WebDocument {
  /** Address on the web. If a dataset repeats an address, its last document counts. */
  url: string
  title: string
  /** Number of words in the visible text. */
  words: number
  /**
   * The visible text without the title; '' if unknown. A line break marks each place that a phrase
   * can't run over: the end of a paragraph, a cell, a heading.
   */
  text: string
  /** The publisher's date of this version, else the time at which the page was read. */
  seenAt: Date
  /** Where the page came from, for people: `installed npm packages`. */
  source: string
  links: DocumentLink[]
}
