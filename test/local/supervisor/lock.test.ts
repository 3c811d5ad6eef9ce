import { utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { isLocked, takeRunningLock } from '#local/supervisor/lock.ts'
import { ownIdentity } from '#processes/process-identity.ts'
import { tempDir } from '../temp-dir.ts'

test('a second start on the same data says where the first one runs', async () => {
  const dataDir = await tempDir()
  const lock = await takeRunningLock(dataDir, 'npm run dev')
  await expect(takeRunningLock(dataDir, 'npm start')).rejects.toThrow('already being started here')
  await lock.setUrl('http://localhost:3000')
  await expect(takeRunningLock(dataDir, 'npm start')).rejects.toThrow(
    `Searchlight already runs at http://localhost:3000 (process ${process.pid}, npm run dev).`,
  )
  expect(await isLocked(dataDir)).toBe(true)
  await lock.release()
  expect(await isLocked(dataDir)).toBe(false)
  await (await takeRunningLock(dataDir, 'npm start')).release()
})

test('the lock of a dead process does not count, even if another process has its pid now', async () => {
  const dataDir = await tempDir()
  const stale = {
    process: { pid: process.pid, started: 'long ago' },
    url: 'http://localhost:3000',
    programs: [],
  }
  writeFileSync(join(dataDir, 'running.json'), JSON.stringify(stale))
  expect(await isLocked(dataDir)).toBe(false)
  await (await takeRunningLock(dataDir, 'npm start')).release()
})

test('a start finds the programs that a killed start left running', async () => {
  const dataDir = await tempDir()
  const [self, gone] = [ownIdentity(), { pid: process.pid, started: 'long ago' }]
  const stale = { process: gone, url: null, programs: [self, gone] }
  writeFileSync(join(dataDir, 'running.json'), JSON.stringify(stale))
  const lock = await takeRunningLock(dataDir, 'npm start')
  expect(lock.leftRunning).toEqual([self])
  await lock.release()
})

test('the lock of a running earlier version is respected', async () => {
  const dataDir = await tempDir()
  const { pid, started } = ownIdentity()
  const earlier = { process: { pid, started }, url: 'http://localhost:3001', programs: [] }
  writeFileSync(join(dataDir, 'running.json'), JSON.stringify(earlier))
  await expect(takeRunningLock(dataDir, 'npm start')).rejects.toThrow(
    'Searchlight already runs at http://localhost:3001',
  )
})

test('an unreadable lock file blocks a start for a minute', async () => {
  const dataDir = await tempDir()
  const file = join(dataDir, 'running.json')
  writeFileSync(file, 'from another version')
  await expect(takeRunningLock(dataDir, 'npm start')).rejects.toThrow(
    /may be running on this data: .*running\.json was written less than a minute ago/,
  )
  const longAgo = new Date(Date.now() - 61_000)
  utimesSync(file, longAgo, longAgo)
  await (await takeRunningLock(dataDir, 'npm start')).release()
})
