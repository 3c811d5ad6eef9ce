/**
 * A link's place on its page. `metadata` was declared (in a package.json), not seen on a page;
 * `reported` was told by a search engine, which names the linking page and no more.
 */
export const linkKinds = ['text', 'image', 'metadata', 'reported'] as const
export type LinkKind = (typeof linkKinds)[number]

export interface DocumentLink {
  /** Absolute. */
  href: string
  /** Visible text, or the image's alternative text; '' where there is neither. */
  anchor: string
  /** Its rel says nofollow, ugc or sponsored, or the whole page says nofollow. */
  nofollow: boolean
  kind: LinkKind
}

/** One page as a source hands it to the build. */
export interface WebDocument {
  /** Where the page is on the web; one document per address. */
  url: string
  title: string
  /** Number of words in the visible text. */
  words: number
  /**
   * The visible text without the title; a line break wherever a phrase can't go on (the end of a
   * paragraph, a cell, a heading). '' where it is unknown.
   */
  text: string
  /**
   * When the page was known to be so: the date its publisher gives, else the moment it was read.
   */
  seenAt: Date
  /** Which source it came from, in words for people: `installed npm packages`. */
  source: string
  links: DocumentLink[]
}
