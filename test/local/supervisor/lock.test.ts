import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { markOf } from '#local/services/process-mark.ts'
import { currentLock, takeLock } from '#local/supervisor/lock.ts'
import { tempDir } from '../temp-dir.ts'

test('a second start on the same data is told where the first one runs', async () => {
  const dataDir = await tempDir()
  const lock = takeLock(dataDir, 'npm start')
  expect(() => takeLock(dataDir, 'npm start')).toThrow('already being started here')
  lock.tell({ url: 'http://localhost:3000' })
  expect(() => takeLock(dataDir, 'npm start')).toThrow(
    `Searchlight already runs at http://localhost:3000 (process ${process.pid}, npm start).`,
  )
  lock.release()
  takeLock(dataDir, 'npm start').release()
})

test('the lock of a process that is gone does not count, though another process has its pid now', async () => {
  const dataDir = await tempDir()
  const stale = {
    process: { pid: process.pid, started: 'long ago' },
    url: 'http://localhost:3000',
    programs: [],
  }
  writeFileSync(join(dataDir, 'running.json'), JSON.stringify(stale))
  expect(currentLock(dataDir)).toBe(null)
  takeLock(dataDir, 'npm start').release()
})

test('what a killed start has left running is told to the next one', async () => {
  const dataDir = await tempDir()
  const [self, gone] = [markOf(process.pid), { pid: process.pid, started: 'long ago' }]
  const stale = { process: gone, url: null, programs: [self, gone] }
  writeFileSync(join(dataDir, 'running.json'), JSON.stringify(stale))
  const lock = takeLock(dataDir, 'npm start')
  expect(lock.left).toEqual([self])
  lock.release()
})
