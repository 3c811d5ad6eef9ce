import { join } from 'node:path'
import { Redis } from 'ioredis'
import { expect, onTestFinished, test } from 'vitest'
import { ensureRedis, stopRedis } from '#local/services/redis.ts'
import type { Service } from '#local/services/service.ts'
import type { Program, Ready } from '#local/supervisor/program.ts'
import { supervise } from '#local/supervisor/supervise.ts'
import { isRunning, type ProcessIdentity } from '#processes/process-identity.ts'
import { tempDir } from '../temp-dir.ts'

const file = join(import.meta.dirname, '../fixtures/program.js')

function program(name: string, ...args: string[]): Program {
  return { name, command: process.execPath, args: [file, ...args], env: process.env }
}

/** Supervises and collects the log. `until` resolves once enough lines include the given part. */
function supervised(
  programs: Program[],
  services: Service[] = [],
  options: { dataDir?: string; graceMs?: number } = {},
) {
  const stop = new AbortController()
  const forceStop = new AbortController()
  const lines: string[] = []
  const waiting: { fits: (line: string) => boolean; resolve: () => void }[] = []
  const put = (line: string) => {
    lines.push(line)
    for (const { fits, resolve } of waiting) if (fits(line)) resolve()
  }
  const ready = withResolvers<Ready[]>()
  const done = supervise(programs, services, {
    cwd: import.meta.dirname,
    dataDir: options.dataDir ?? import.meta.dirname,
    log: { line: (source, line) => put(`${source}: ${line}`), say: (sentence) => put(sentence) },
    signal: stop.signal,
    forceStop: forceStop.signal,
    graceMs: options.graceMs ?? 5_000,
    onStart: () => {},
    onProgramReady: () => {},
    onReady: ready.resolve,
  })
  done.catch(() => {})
  onTestFinished(async () => {
    stop.abort()
    forceStop.abort()
    await done.catch(() => {})
  })
  const until = (part: string, times = 1) =>
    new Promise<void>((resolve) => {
      const fits = () => lines.filter((line) => line.includes(part)).length >= times
      if (fits()) resolve()
      else waiting.push({ fits, resolve })
    })
  return {
    done,
    ready: ready.promise,
    stop: () => stop.abort(),
    forceStop: () => forceStop.abort(),
    lines,
    until,
  }
}

test('a program that ends before it is ready stops everything, with its error in one sentence', async () => {
  const { done, lines } = supervised([
    program('server', 'fail-fatal'),
    program('worker', 'serve', 'worker'),
  ])
  await expect(done).rejects.toThrow(
    'The server could not start (exit code 1): Port 3000 is taken.',
  )
  expect(lines.filter((line) => line.includes('taken'))).toEqual([])
})

test('an uncaught error is in the sentence, and its stack is in the log', async () => {
  const { done, lines } = supervised([program('server', 'fail-uncaught')])
  await expect(done).rejects.toThrow(
    'The server could not start (exit code 1): TypeError: uncaught on purpose',
  )
  expect(lines.some((line) => line.startsWith('server:     at '))).toBe(true)
})

test('onReady gets the messages of all programs once every program is ready', async () => {
  const { ready } = supervised([
    program('server', 'serve', 'server'),
    program('worker', 'serve', 'worker'),
  ])
  expect(await ready).toEqual(
    Array(2).fill({ type: 'ready', url: 'http://localhost:3999', hint: 'Sign in.' }),
  )
})

test('a program that ends is restarted, and its fifth end stops everything', async () => {
  const { done, lines } = supervised([
    program('worker', 'die-when-ready'),
    program('server', 'serve', 'server'),
  ])
  await expect(done).rejects.toThrow('The worker ended 5 times within a minute, with exit code 7')
  expect(
    lines.filter((line) => line === 'The worker ended, with exit code 7. Restarting it.'),
  ).toHaveLength(4)
  expect(lines.some((line) => line.includes('server stopped'))).toBe(true)
})

test('a stop ends the programs in order, then the services', async () => {
  const dataDir = await tempDir()
  const redis = await ensureRedis({ dataDir })
  const { done, ready, stop, lines } = supervised(
    [program('server', 'serve', 'server'), program('worker', 'serve', 'worker')],
    [redis],
    { dataDir },
  )
  await ready
  stop()
  await done
  const stopped = lines.filter((line) => line.includes('stopped')).map((line) => line.split(':')[0])
  expect(stopped).toEqual(['server', 'worker'])
  expect(isRunning(redis.process)).toBe(false)
})

test('a program that does not end is killed after its grace period', async () => {
  const { done, ready, stop } = supervised([program('server', 'ignore-sigterm')], [], {
    graceMs: 200,
  })
  await ready
  stop()
  await done
})

test('a second stop does not wait for the grace period', async () => {
  const { done, ready, stop, until, forceStop } = supervised(
    [program('server', 'ignore-sigterm')],
    [],
    { graceMs: 600_000 },
  )
  await ready
  stop()
  await until('not yet')
  forceStop()
  await done
})

test('a service that dies is restarted on its port, with its data', async () => {
  const dataDir = await tempDir()
  const redis = await ensureRedis({ dataDir })
  onTestFinished(() => stopRedis(redis))
  const client = new Redis(redis.url)
  client.on('error', () => {})
  onTestFinished(() => client.disconnect())
  await client.set('kept', 'yes')

  const { done, ready, stop, until } = supervised([program('server', 'serve', 'server')], [redis], {
    dataDir,
  })
  await ready
  kill(redis.process)
  await until('Redis ended. Restarting it.')
  expect(await client.get('kept')).toBe('yes')
  stop()
  await done
  await expect(
    ensureRedis({ dataDir }).then((again) => stopRedis(again).then(() => again.adopted)),
  ).resolves.toBe(false)
})

function kill({ pid }: ProcessIdentity): void {
  process.kill(pid, 'SIGKILL')
}

/** `Promise.withResolvers` is not in Node 20. */
function withResolvers<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => {}
  const promise = new Promise<T>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}
