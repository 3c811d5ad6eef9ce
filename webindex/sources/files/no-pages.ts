/** Counts by reason the records or files that hold no page, for one remark at the end. */
export interface NoPages {
  /**
   * @param reason completes a phrase that starts with a number: `with HTTP status 404`, `not HTML`.
   * Every distinct reason is kept in memory, so there must be few.
   */
  count(reason: string): void
  /**
   * `1,204 records hold no page: 800 of type request, 404 not HTML.` null if nothing was counted.
   */
  remark(): string | null
}

const maxReasonsShown = 12

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
      const parts = reasons
        .slice(0, maxReasonsShown)
        .map(([reason, count]) => `${count.toLocaleString('en')} ${reason}`)
      const others = sum(reasons.slice(maxReasonsShown))
      if (others > 0) parts.push(`${others.toLocaleString('en')} for other reasons`)
      const counted =
        total === 1 ? `1 ${unit} holds` : `${total.toLocaleString('en')} ${unit}s hold`
      return `${counted} no page: ${parts.join(', ')}.`
    },
  }
}

function sum(reasons: [string, number][]): number {
  return reasons.reduce((total, [, count]) => total + count, 0)
}
