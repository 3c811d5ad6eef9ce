import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, onTestFinished, test } from 'vitest'
import { LockHeld, readOwnedFile, takeLock } from '#processes/lock-file.ts'
import { identityOf, isRunning, ownIdentity } from '#processes/process-identity.ts'
import { tempDir } from '../local/temp-dir.ts'

const minutesAgo = (file: string, minutes: number) => {
  const time = new Date(Date.now() - minutes * 60_000)
  utimesSync(file, time, time)
}

async function lockPath(): Promise<string> {
  return join(await tempDir(), 'test.lock')
}

/**
 * A process that tries to take the lock at each `go`, and prints whether it did. It never releases
 * the lock.
 */
function taker(path: string) {
  const script = `
    import { LockHeld, takeLock } from './processes/lock-file.ts'
    console.log('ready')
    process.stdin.on('data', () =>
      takeLock(process.argv[1]).then(
        () => console.log('taken'),
        (error) => console.log(error instanceof LockHeld ? 'held' : error),
      ),
    )`
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '-e', script, path],
    { cwd: join(import.meta.dirname, '../..'), stdio: ['pipe', 'pipe', 'inherit'] },
  )
  onTestFinished(() => void child.kill('SIGKILL'))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const line = async () => String((await lines.next()).value)
  return {
    ready: line(),
    go: () => void child.stdin.write('go\n'),
    line,
    async kill() {
      const exit = once(child, 'exit')
      child.kill('SIGKILL')
      await exit
    },
  }
}

test('one process at a time holds a lock', async () => {
  const path = await lockPath()
  const lock = await takeLock(path, { url: 'http://localhost' })
  expect(lock.leftBehind).toBe(null)
  const refused = await takeLock(path).catch((error) => error)
  expect(refused).toBeInstanceOf(LockHeld)
  expect(refused.lock).toMatchObject({
    owner: ownIdentity(),
    held: true,
    content: { url: 'http://localhost' },
  })
  await lock.release()
  expect(readdirSync(join(path, '..'))).toEqual([])
  await (await takeLock(path)).release()
})

test('exactly one of several processes takes over a stale lock', async () => {
  const path = await lockPath()
  const takers = Array.from({ length: 4 }, () => taker(path))
  await Promise.all(takers.map(({ ready }) => ready))
  for (let round = 0; round < 10; round++) {
    writeFileSync(path, JSON.stringify({ process: { pid: process.pid, started: 'long ago' } }))
    for (const { go } of takers) go()
    const answers = await Promise.all(takers.map(({ line }) => line()))
    expect(answers.toSorted()).toEqual(['held', 'held', 'held', 'taken'])
    const { owner, held } = (await readOwnedFile(path)) ?? {}
    expect([owner && isRunning(owner), held]).toEqual([true, true])
    expect(readdirSync(join(path, '..'))).toEqual(['test.lock'])
  }
}, 60_000)

test('a takeover killed halfway does not block the next', async () => {
  const path = await lockPath()
  const dead = JSON.stringify({ process: { pid: process.pid, started: 'long ago' }, left: 1 })
  writeFileSync(path, dead)
  writeFileSync(`${path}.takeover`, dead)
  const lock = await takeLock(path)
  expect(lock.leftBehind).toMatchObject({ left: 1 })
  await lock.release()
  expect(readdirSync(join(path, '..'))).toEqual([])
})

test('the lock of a killed process is taken over', async () => {
  const path = await lockPath()
  const other = taker(path)
  await other.ready
  other.go()
  expect(await other.line()).toBe('taken')
  await expect(takeLock(path)).rejects.toThrow(LockHeld)
  await other.kill()
  await (await takeLock(path)).release()
})

test('the lock of another machine holds for a minute after its last renewal', async () => {
  const path = await lockPath()
  const elsewhere = { pid: 1, started: 'at some time', hostname: 'elsewhere' }
  writeFileSync(path, JSON.stringify({ process: elsewhere }))
  minutesAgo(path, 0.9)
  await expect(takeLock(path)).rejects.toThrow(LockHeld)
  minutesAgo(path, 1.1)
  await (await takeLock(path)).release()
})

test('an owner whose start time is unknown holds a lock while it runs and renews it', async () => {
  const path = await lockPath()
  const sleeping = spawn('sleep', ['60'])
  onTestFinished(() => void sleeping.kill())
  await once(sleeping, 'spawn')
  writeFileSync(path, JSON.stringify({ pid: sleeping.pid, startedAt: 1, hostname: hostname() }))
  await expect(takeLock(path)).rejects.toThrow(LockHeld)
  minutesAgo(path, 1.1)
  await (await takeLock(path)).release()
})

test('an unreadable lock holds while it is fresh', async () => {
  const path = await lockPath()
  writeFileSync(path, '')
  const refused = await takeLock(path).catch((error) => error)
  expect(refused.lock).toEqual({ owner: null, held: true, content: undefined })
  minutesAgo(path, 1.1)
  await (await takeLock(path)).release()
})

test('facts are replaced while the lock is held, in their order', async () => {
  const path = await lockPath()
  const lock = await takeLock(path, { count: 0 })
  await Promise.all([1, 2, 3].map((count) => lock.write({ count })))
  expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({ process: ownIdentity(), count: 3 })
  await lock.release()
  expect(existsSync(path)).toBe(false)
})

test('a release keeps a lock that another process has taken over', async () => {
  const path = await lockPath()
  const lock = await takeLock(path)
  const other = JSON.stringify({ process: { pid: 1, started: 'later', hostname: 'elsewhere' } })
  writeFileSync(path, other)
  await lock.release()
  expect(readFileSync(path, 'utf8')).toBe(other)
})

test('an identity distinguishes a process from an earlier one with its pid and from a zombie', async () => {
  const sleeping = spawn('sleep', ['60'])
  await once(sleeping, 'spawn')
  const identity = identityOf(sleeping.pid ?? 0)
  if (identity === null) throw new Error('It does not run')
  expect(isRunning(identity)).toBe(true)
  expect(isRunning({ ...identity, started: 'earlier' })).toBe(false)
  const exit = once(sleeping, 'exit')
  sleeping.kill('SIGKILL')
  await exit
  expect(isRunning(identity)).toBe(false)
  expect(identityOf(identity.pid)).toBe(null)
})
