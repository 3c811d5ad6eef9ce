'use client'

import { useState } from 'react'
import type { SearchType } from '#protocol/answers.ts'
import { Segmented } from '../ui/segmented.tsx'
import { SearchForm } from './search-form.tsx'

/** The choice of a search type, and its form. */
export function SearchPanel({
  searches,
  initial,
}: {
  searches: SearchType[]
  initial: string | undefined
}) {
  const [name, setName] = useState(initial)
  const search = searches.find((candidate) => candidate.name === name) ?? searches[0]

  function choose(chosen: string) {
    setName(chosen)
    window.history.replaceState(null, '', `/?search=${chosen}`)
  }

  if (!search) return <p className="text-ink-2">This server has no search types.</p>
  return (
    <section>
      {searches.length > 1 ? (
        <div className="mb-5">
          {/* The segmented control is too wide for a phone. */}
          <select
            aria-label="Search type"
            value={search.name}
            onChange={(event) => choose(event.target.value)}
            className="field pr-8 font-medium md:hidden"
          >
            {searches.map((each) => (
              <option key={each.name} value={each.name}>
                {each.title}
              </option>
            ))}
          </select>
          <div className="hidden md:block">
            <Segmented
              legend="Search type"
              name="search"
              value={search.name}
              onChange={choose}
              options={searches.map((each) => ({ value: each.name, label: each.title }))}
            />
          </div>
        </div>
      ) : null}
      <h1 className="text-2xl font-semibold">{search.title}</h1>
      <p className="mt-1 text-ink-2">{search.description}</p>
      <SearchForm key={search.name} search={search} />
    </section>
  )
}
