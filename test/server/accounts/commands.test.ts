import { spawn } from 'node:child_process'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { program } from '#test/programs.ts'
import {
  type AccountsEnvironment,
  openAccountsEnvironment,
  password,
  settings,
  signIn,
} from './accounts-environment.ts'

let env: AccountsEnvironment
beforeEach(async () => {
  env = await openAccountsEnvironment()
})
afterEach(() => env.drop())

interface CommandResult {
  code: number | null
  out: string
  err: string
}

async function run(
  command: 'user' | 'apikey',
  args: string[],
  changes: Record<string, string> = {},
): Promise<CommandResult> {
  const child = spawn(
    process.execPath,
    await program(`server/accounts/${command}-command.ts`, ...args),
    {
      env: { ...process.env, DATABASE_URL: env.url, AUTH_SECRET: settings.secret, ...changes },
    },
  )
  const result: CommandResult = { code: null, out: '', err: '' }
  child.stdout.on('data', (text) => {
    result.out += text
  })
  child.stderr.on('data', (text) => {
    result.err += text
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ ...result, code }))
  })
}

const lastLine = (text: string) => text.trimEnd().split('\n').at(-1) ?? ''

describe('npm run user', () => {
  test('create makes an admin who can sign in; list shows the account', async () => {
    const created = await run('user', [
      'create',
      '--email',
      'Ada@example.com',
      '--password',
      password,
      '--name',
      'Ada L',
      '--admin',
    ])
    expect(created).toEqual({ code: 0, out: 'Created the admin Ada@example.com.\n', err: '' })
    const principal = await env.accounts.authenticate(await signIn(env.accounts, 'ada@example.com'))
    expect(principal).toMatchObject({ email: 'ada@example.com', name: 'Ada L', role: 'admin' })
    const listed = await run('user', ['list'])
    expect(listed.out).toMatch(
      /^E-MAIL +NAME +ROLE +STATUS +CREATED\nada@example\.com +Ada L +admin +active +20\S+\n$/,
    )
  })

  test('create without --password generates and prints a working one', async () => {
    const { out } = await run('user', ['create', '--email', 'ada@example.com'])
    expect(lastLine(out)).toMatch(/^\w{5}-\w{5}-\w{5}-\w{5}$/)
    const headers = await signIn(env.accounts, 'ada@example.com', lastLine(out))
    expect(await env.accounts.authenticate(headers)).toMatchObject({ role: 'user' })
  })

  test('password sets a new password and ends the sessions', async () => {
    await run('user', ['create', '--email', 'ada@example.com', '--password', password])
    const before = await signIn(env.accounts, 'ada@example.com')
    const changed = await run('user', [
      'password',
      '--email',
      'ada@example.com',
      '--password',
      'another password',
    ])
    expect(changed.code).toBe(0)
    expect(await env.accounts.authenticate(before)).toBeNull()
    await expect(signIn(env.accounts, 'ada@example.com')).rejects.toThrow('401')
    await signIn(env.accounts, 'ada@example.com', 'another password')
  })

  test('errors name the problem: address taken, invalid or unknown; weak password', async () => {
    const errorOf = async (...args: string[]) => {
      const { code, err, out } = await run('user', args)
      expect({ code, out }, args.join(' ')).toEqual({ code: 1, out: '' })
      return err
    }
    await run('user', ['create', '--email', 'ada@example.com', '--password', password])
    expect(await errorOf('create', '--email', 'ADA@example.com', '--password', password)).toBe(
      'An account with the e-mail address ada@example.com already exists.\n',
    )
    expect(await errorOf('create', '--email', 'bob@example.com', '--password', 'short')).toContain(
      'at least 10 characters',
    )
    expect(await errorOf('create', '--email', 'bob', '--password', password)).toBe(
      '"bob" is not an e-mail address.\n',
    )
    expect(
      await errorOf('password', '--email', 'bob@example.com', '--password', password),
    ).toContain('There is no account')
  })

  test('wrong usage prints the usage and exits with 2', async () => {
    const wrong: [string[], string][] = [
      [[], 'Name a command'],
      [['create'], '--email is missing'],
      [['create', '--emial', 'x'], '--emial'],
      [['destroy'], 'Unknown command "destroy"'],
      [['list', 'all'], 'Unexpected argument "all"'],
    ]
    const results = await Promise.all(
      wrong.map(async ([args, message]) => ({ message, ...(await run('user', args)) })),
    )
    for (const { code, err, out, message } of results) {
      expect({ code, out }).toEqual({ code: 2, out: '' })
      expect(err).toContain(message)
      expect(err).toContain('Usage:')
    }
    expect(await run('user', ['--help'])).toMatchObject({
      code: 0,
      out: expect.stringContaining('sends no mail'),
    })
  })

  test('an invalid setting or database is named in the error', async () => {
    expect((await run('user', ['list'], { DATABASE_URL: '' })).err).toContain('DATABASE_URL')
    const secret = await run('user', ['create', '--email', 'a@example.com'], {
      AUTH_SECRET: 'short',
    })
    expect(secret).toMatchObject({
      code: 1,
      err: expect.stringContaining('AUTH_SECRET: at least 32 characters'),
    })
    const gone = new URL(env.url)
    gone.pathname = '/no_such_database'
    const { code, err } = await run('user', ['list'], { DATABASE_URL: gone.href })
    expect({ code, err }).toEqual({
      code: 1,
      err: `Cannot use the database in DATABASE_URL: database "no_such_database" does not exist\n`,
    })
  })
})

describe('npm run apikey', () => {
  beforeEach(() => env.accounts.ensureFirstAdmin({ email: 'ada@example.com', password }))
  const ada = ['--email', 'ada@example.com']

  test('create prints a working key on its last line; list hides it; revoke ends it', async () => {
    const created = await run('apikey', ['create', ...ada, '--name', 'ci', '--expires-days', '30'])
    expect(created).toMatchObject({ code: 0, err: '' })
    const key = lastLine(created.out)
    const principal = await env.accounts.authenticateKey(key)
    expect(principal).toMatchObject({
      email: 'ada@example.com',
      role: 'admin',
      via: { kind: 'key' },
    })

    const listed = await run('apikey', ['list', ...ada])
    expect(listed.out).toMatch(/\nci +active +20\S+ +20\S+ +20\S+\n$/)
    expect(listed.out).not.toContain(key.slice(3))

    expect(await run('apikey', ['revoke', ...ada, '--name', 'ci'])).toMatchObject({ code: 0 })
    expect(principal && (await env.accounts.findRevoked([principal])).size).toBe(1)
    expect((await run('apikey', ['list', ...ada])).out).toMatch(/\nci +revoked/)
    expect(await run('apikey', ['revoke', ...ada, '--name', 'ci'])).toMatchObject({
      code: 1,
      err: 'There is no active API key named "ci".\n',
    })
  })

  test('a taken name, an unknown account and an invalid number of days are refused', async () => {
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
