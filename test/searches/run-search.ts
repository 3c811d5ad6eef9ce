import { onTestFinished } from 'vitest'
import type { Cells, Row, Search } from '#jobs/define-search.ts'
import type { Progress } from '#jobs/job.ts'
import type { SearchTools } from '#searches/search-tools.ts'
import { sourceOf, temporaryFolder } from '#test/webindex/index-fixture.ts'
import { createBuilds } from '#webindex/build/build-index.ts'
import { createIndexEngine, type IndexEngine } from '#webindex/query/engine.ts'
import type { SourceItem } from '#webindex/source.ts'
import { drive } from './drive.ts'
import { toolsOver } from './tools-fixture.ts'

export const builtAt = new Date('2026-05-06T07:08:09.010Z')

/** Builds an index of these items in a temporary folder. @returns the folder */
export async function builtIndex(
  items: Iterable<SourceItem>,
  { shards = 5 } = {},
): Promise<string> {
  const dir = temporaryFolder()
  const { signal } = new AbortController()
  await createBuilds({ dir, shards, now: () => builtAt }).add(sourceOf('fixture', items), {
    signal,
  })
  return dir
}

export async function engineOf(dir: string): Promise<IndexEngine> {
  const engine = await createIndexEngine({ dir })
  onTestFinished(() => engine.close())
  return engine
}

export async function engineOver(
  items: Iterable<SourceItem>,
  options?: { shards?: number },
): Promise<IndexEngine> {
  return engineOf(await builtIndex(items, options))
}

/** The output of one run. */
export interface Run {
  rows: Row[]
  notes: string[]
  steps: Progress[]
  /** In order; `rows` has them applied. */
  updates?: [index: number, cells: Cells][]
}

/** @param options.onRow called with each row as it is yielded; `onStep` at each progress */
export async function runSearch(
  search: Search<SearchTools>,
  engine: IndexEngine,
  input: Record<string, unknown>,
  options: {
    stop?: AbortController
    web?: SearchTools['web']
    run?: Run
    onRow?(row: Row): void
    onStep?(): void
  } = {},
): Promise<Run> {
  const {
    stop = new AbortController(),
    web,
    run = { rows: [], notes: [], steps: [] },
    onRow,
    onStep,
  } = options
  const index = await engine.open()
  try {
    const context = {
      ...toolsOver(index, web && { web }),
      signal: stop.signal,
      progress(step: Progress) {
        run.steps.push(step)
        onStep?.()
      },
      note: (text: string) => run.notes.push(text),
      update(index: number, cells: Cells) {
        const row = run.rows[index]
        if (row) run.rows[index] = { ...row, ...cells }
        run.updates ??= []
        run.updates.push([index, cells])
      },
    }
    for await (const row of drive(search.run(search.input.parse(input), context))) {
      run.rows.push(row)
      onRow?.(row)
    }
  } finally {
    await index.close()
  }
  return run
}

/** Picks items reproducibly: a linear congruential generator (Numerical Recipes). */
export function dice(seed: number) {
  let state = seed
  return <Item>(items: readonly Item[]): Item => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return items[Math.floor((state / 2 ** 32) * items.length)] as Item
  }
}
