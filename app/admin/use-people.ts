'use client'

import { useEffect, useRef, useState } from 'react'
import { callApi } from '../http/call-api.ts'
import type { JobList } from '../live/merge-jobs.ts'
import { type People, PeopleAnswer, peopleOf, peoplePath } from './people.ts'

/**
 * Who started these jobs. Asks again when somebody appears who was not there when the page was
 * made.
 */
export function usePeople(initial: People, jobs: JobList): People {
  const [people, setPeople] = useState(initial)
  const asked = useRef(new Set<string>())
  const strangers = jobs.filter(
    ({ userId }) => people[userId] === undefined && !asked.current.has(userId),
  )

  useEffect(() => {
    if (strangers.length === 0) return
    for (const { userId } of strangers) asked.current.add(userId)
    callApi(peoplePath, PeopleAnswer).then((answer) => setPeople(peopleOf(answer)), console.error)
  })
  return people
}
