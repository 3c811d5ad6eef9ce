/** Counts what was understood and holds no page, by reason, for one remark at the end. */
export interface NoPages {
  /**
   * @param reason follows a number: `with HTTP status 404`, `not HTML`. One of few: each is kept.
   */
  count(reason: string): void
  /**
   * `1,204 records were no pages: 800 of type request, 404 not HTML.` null when there were none.
   */
  remark(): string | null
}

const toldReasons = 12

export function countNoPages(unit: 'record' | 'file'): NoPages {
  const counts = new Map<string, number>()
  return {
    count(reason) {
      counts.set(reason, (counts.get(reason) ?? 0) + 1)
    },
    remark() {
      const reasons = [...counts].sort((a, b) => b[1] - a[1])
      const total = sum(reasons)
      if (total === 0) return null
      const told = reasons
        .slice(0, toldReasons)
        .map(([reason, count]) => `${count.toLocaleString('en')} ${reason}`)
      const others = sum(reasons.slice(toldReasons))
      if (others > 0) told.push(`${others.toLocaleString('en')} for other reasons`)
      return `${total.toLocaleString('en')} ${total === 1 ? `${unit} was no page` : `${unit}s were no pages`}: ${told.join(', ')}.`
    },
  }
}

function sum(reasons: [string, number][]): number {
  return reasons.reduce((total, [, count]) => total + count, 0)
}
