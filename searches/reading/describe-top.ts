/**
 * How many rows the limit left out.
 * @param rows what the rows are, in the plural
 * @param order for people: `links, then linking pages`
 */
export function describeTop(
  { shown, found }: { shown: number; found: number },
  rows: string,
  order: string,
): string {
  return `The top ${shown.toLocaleString('en')} of ${found.toLocaleString('en')} ${rows}, by ${order}. The limit left out the others.`
}
