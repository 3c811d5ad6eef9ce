'use client'

import { useEffect, useRef, useState } from 'react'
import { callApi } from '../http/call-api.ts'
import type { JobList } from '../live/merge-jobs.ts'
import { type People, PeopleAnswer, peopleOf, peoplePath } from './people.ts'

/**
 * The emails of the users who started these jobs. When a job of an unknown user appears, the list
 * is fetched again, once for each such user.
 */
export function usePeople(initial: People, jobs: JobList): People {
  const [people, setPeople] = useState(initial)
  const requested = useRef(new Set<string>())
  const unknown = jobs.filter(
    ({ userId }) => people[userId] === undefined && !requested.current.has(userId),
  )

  useEffect(() => {
    if (unknown.length === 0) return
    for (const { userId } of unknown) requested.current.add(userId)
    callApi(peoplePath, PeopleAnswer).then((answer) => setPeople(peopleOf(answer)), console.error)
  })
  return people
}
