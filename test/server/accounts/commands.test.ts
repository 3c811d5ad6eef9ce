import { spawn } from 'node:child_process'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { program } from '#test/programs.ts'
import { type AccountsHouse, openAccounts, password, settings, signIn } from './browser.ts'

let house: AccountsHouse
beforeEach(async () => {
  house = await openAccounts()
})
afterEach(() => house.drop())

interface Ended {
  code: number | null
  out: string
  err: string
}

async function run(
  command: 'user' | 'apikey',
  args: string[],
  changes: Record<string, string> = {},
): Promise<Ended> {
  const child = spawn(
    process.execPath,
    await program(`server/accounts/${command}-command.ts`, ...args),
    {
      env: { ...process.env, DATABASE_URL: house.url, AUTH_SECRET: settings.secret, ...changes },
    },
  )
  const ended: Ended = { code: null, out: '', err: '' }
  child.stdout.on('data', (text) => {
    ended.out += text
  })
  child.stderr.on('data', (text) => {
    ended.err += text
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ ...ended, code }))
  })
}

const lastLine = (text: string) => text.trimEnd().split('\n').at(-1) ?? ''

describe('npm run user', () => {
  test('makes an admin who can sign in, and lists them', async () => {
    const made = await run('user', [
      'create',
      '--email',
      'Ada@example.com',
      '--password',
      password,
      '--name',
      'Ada L',
      '--admin',
    ])
    expect(made).toEqual({ code: 0, out: 'Made the admin Ada@example.com.\n', err: '' })
    const principal = await house.accounts.authenticate(
      await signIn(house.accounts, 'ada@example.com'),
    )
    expect(principal).toMatchObject({ email: 'ada@example.com', name: 'Ada L', role: 'admin' })
    const listed = await run('user', ['list'])
    expect(listed.out).toMatch(
      /^E-MAIL +NAME +ROLE +STANDING +CREATED\nada@example\.com +Ada L +admin +active +20\S+\n$/,
    )
  })

  test('without --password makes one, prints it, and it works', async () => {
    const made = await run('user', ['create', '--email', 'ada@example.com'])
    expect(lastLine(made.out)).toMatch(/^\w{5}-\w{5}-\w{5}-\w{5}$/)
    const headers = await signIn(house.accounts, 'ada@example.com', lastLine(made.out))
    expect(await house.accounts.authenticate(headers)).toMatchObject({ role: 'user' })
  })

  test('sets another password and ends the sessions', async () => {
    await run('user', ['create', '--email', 'ada@example.com', '--password', password])
    const before = await signIn(house.accounts, 'ada@example.com')
    const changed = await run('user', [
      'password',
      '--email',
      'ada@example.com',
      '--password',
      'another password',
    ])
    expect(changed.code).toBe(0)
    expect(await house.accounts.authenticate(before)).toBeNull()
    await expect(signIn(house.accounts, 'ada@example.com')).rejects.toThrow('401')
    await signIn(house.accounts, 'ada@example.com', 'another password')
  })

  test('says what is wrong: taken, weak, no address, unknown', async () => {
    const wrong = async (...args: string[]) => {
      const { code, err, out } = await run('user', args)
      expect({ code, out }, args.join(' ')).toEqual({ code: 1, out: '' })
      return err
    }
    await run('user', ['create', '--email', 'ada@example.com', '--password', password])
    expect(await wrong('create', '--email', 'ADA@example.com', '--password', password)).toBe(
      'There is an account with the e-mail address ada@example.com already.\n',
    )
    expect(await wrong('create', '--email', 'bob@example.com', '--password', 'short')).toContain(
      'at least 10 characters',
    )
    expect(await wrong('create', '--email', 'bob', '--password', password)).toBe(
      '"bob" is not an e-mail address.\n',
    )
    expect(await wrong('password', '--email', 'bob@example.com', '--password', password)).toContain(
      'There is no account',
    )
  })

  test('shows its usage and ends with 2 when it is called wrongly', async () => {
    const wrong: [string[], string][] = [
      [[], 'What should be done'],
      [['create'], '--email is missing'],
      [['create', '--emial', 'x'], '--emial'],
      [['destroy'], 'no command "destroy"'],
      [['list', 'all'], 'one word too many'],
    ]
    const ended = await Promise.all(
      wrong.map(async ([args, message]) => ({ message, ...(await run('user', args)) })),
    )
    for (const { code, err, out, message } of ended) {
      expect({ code, out }).toEqual({ code: 2, out: '' })
      expect(err).toContain(message)
      expect(err).toContain('Usage:')
    }
    expect(await run('user', ['--help'])).toMatchObject({
      code: 0,
      out: expect.stringContaining('sends no mail'),
    })
  })

  test('names the settings and the database that are wrong', async () => {
    expect((await run('user', ['list'], { DATABASE_URL: '' })).err).toContain('DATABASE_URL')
    const secret = await run('user', ['create', '--email', 'a@example.com'], {
      AUTH_SECRET: 'short',
    })
    expect(secret).toMatchObject({
      code: 1,
      err: expect.stringContaining('AUTH_SECRET: at least 32 characters'),
    })
    const gone = new URL(house.url)
    gone.pathname = '/no_such_database'
    const { code, err } = await run('user', ['list'], { DATABASE_URL: gone.href })
    expect({ code, err }).toEqual({
      code: 1,
      err: `The database of DATABASE_URL can't be used: database "no_such_database" does not exist\n`,
    })
  })
})

describe('npm run apikey', () => {
  beforeEach(() => house.accounts.ensureFirstAdmin({ email: 'ada@example.com', password }))
  const ada = ['--email', 'ada@example.com']

  test('prints a working key alone on its last line, lists it without showing it, and revokes it', async () => {
    const made = await run('apikey', ['create', ...ada, '--name', 'ci', '--expires-days', '30'])
    expect(made).toMatchObject({ code: 0, err: '' })
    const key = lastLine(made.out)
    const principal = await house.accounts.authenticateKey(key)
    expect(principal).toMatchObject({
      email: 'ada@example.com',
      role: 'admin',
      via: { kind: 'key' },
    })

    const listed = await run('apikey', ['list', ...ada])
    expect(listed.out).toMatch(/\nci +active +20\S+ +20\S+ +20\S+\n$/)
    expect(listed.out).not.toContain(key.slice(3))

    expect(await run('apikey', ['revoke', ...ada, '--name', 'ci'])).toMatchObject({ code: 0 })
    expect(principal && (await house.accounts.findRevoked([principal])).size).toBe(1)
    expect((await run('apikey', ['list', ...ada])).out).toMatch(/\nci +revoked/)
    expect(await run('apikey', ['revoke', ...ada, '--name', 'ci'])).toMatchObject({
      code: 1,
      err: 'There is no active API key named "ci".\n',
    })
  })

  test('refuses a name that is in use, an unknown account and a wrong number of days', async () => {
    await run('apikey', ['create', ...ada, '--name', 'ci'])
    expect(await run('apikey', ['create', ...ada, '--name', 'ci'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('already'),
    })
    expect((await run('apikey', ['create', '--email', 'x@example.com', '--name', 'ci'])).code).toBe(
      1,
    )
    const days = ['0', 'soon', '1.5'].map((count) =>
      run('apikey', ['create', ...ada, '--name', 'x', '--expires-days', count]),
    )
    expect((await Promise.all(days)).map(({ code }) => code)).toEqual([2, 2, 2])
    expect(await run('apikey', ['create', ...ada])).toMatchObject({
      code: 2,
      err: expect.stringContaining('--name is missing'),
    })
  })
})
