import type { Waiting } from '#jobs/waiting.ts'

/** What a job waits for, in words: “12 searches are ahead. It starts in about 3 minutes.” */
export function waitingPhrase({ ahead, more, startsInMs, reason }: Waiting): string {
  if (reason === 'paused') return 'Paused by an admin. It starts when searches are resumed.'
  if (reason === 'no_worker') return 'No worker is running it. It starts when one is back.'
  const place = placePhrase(ahead, more)
  return startsInMs === null ? `${place}.` : `${place}. It starts in ${about(startsInMs)}.`
}

/** For a list: “12 ahead”. */
export function shortWaitingPhrase({ ahead, more, reason }: Waiting): string {
  if (reason === 'paused') return 'Paused by an admin'
  if (reason === 'no_worker') return 'No worker is running'
  if (ahead === 0) return 'Next in line'
  return `${count(ahead)}${more ? '+' : ''} ahead`
}

function placePhrase(ahead: number, more: boolean): string {
  if (more) return `More than ${count(ahead)} searches are ahead`
  if (ahead === 0) return 'Next in line'
  return ahead === 1 ? '1 search is ahead' : `${count(ahead)} searches are ahead`
}

const count = (number: number) => number.toLocaleString('en')

function about(ms: number): string {
  const seconds = ms / 1000
  if (seconds < 5) return 'a few seconds'
  if (seconds < 55) return `about ${Math.round(seconds / 5) * 5} seconds`
  const minutes = Math.round(seconds / 60)
  if (minutes <= 1) return 'about a minute'
  if (minutes < 60) return `about ${minutes} minutes`
  const hours = Math.round(minutes / 60)
  return hours === 1 ? 'about an hour' : `about ${hours} hours`
}
