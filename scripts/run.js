/**
 * The entry point of every command: `node scripts/run.js <command> …`. It checks the Node version,
 * installs missing packages, and runs `scripts/<command>.ts` in the same process, so that signals
 * and the exit code need no forwarding. It is plain JavaScript because it runs before any package
 * is installed.
 */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const commands = [
  'start',
  'dev',
  'test',
  'test-watch',
  'chaos',
  'bench',
  'user',
  'apikey',
  'index',
  'search',
]
/** Commands that need the development packages as well. */
const developmentCommands = ['dev', 'test', 'test-watch', 'chaos', 'bench']
const oldestVersion = [20, 19]

/** @param version of Node, such as `20.19.1` */
export function isNewEnough(version) {
  const [major, minor] = version.split('.').map(Number)
  return major > oldestVersion[0] || (major === oldestVersion[0] && minor >= oldestVersion[1])
}

/**
 * Whether the installed packages differ from the lock file. Packages for other platforms may be
 * missing, and development packages too unless `development` is set.
 */
export function needsInstall(projectDir, { development }) {
  const wanted = readPackages(join(projectDir, 'package-lock.json'))
  const installed = readPackages(join(projectDir, 'node_modules', '.package-lock.json'))
  if (wanted === null) return false
  if (installed === null) return true
  return Object.entries(wanted).some(([path, { version, optional, devOptional, dev, link }]) => {
    if (path === '' || link) return false
    const here = installed[path]
    if (here !== undefined) return here.version !== version
    return !optional && !devOptional && (development || !dev)
  })
}

function readPackages(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8')).packages
  } catch {
    return null
  }
}

async function install(projectDir) {
  console.error('Installing packages…')
  const npm = spawn('npm', ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: projectDir,
    stdio: 'inherit',
  })
  const forward = (signal) => npm.kill(signal)
  process.on('SIGINT', forward).on('SIGTERM', forward)
  const code = await new Promise((resolve) =>
    npm.on('exit', (code) => resolve(code ?? 1)).on('error', () => resolve(127)),
  )
  process.off('SIGINT', forward).off('SIGTERM', forward)
  if (code === 0) return
  console.error('npm could not install the packages. See its output above.')
  process.exit(code)
}

async function main() {
  const [command, ...rest] = process.argv.slice(2)
  if (!isNewEnough(process.versions.node)) {
    console.error(
      `Searchlight needs Node ${oldestVersion.join('.')} or later; this is ${process.versions.node}.`,
    )
    process.exit(1)
  }
  if (!commands.includes(command)) {
    console.error(
      `Name one of these commands: ${commands.map((name) => `node scripts/run.js ${name}`).join(', ')}`,
    )
    process.exit(2)
  }
  const projectDir = dirname(dirname(fileURLToPath(import.meta.url)))
  if (needsInstall(projectDir, { development: developmentCommands.includes(command) }))
    await install(projectDir)

  const script = join(projectDir, 'scripts', `${command}.ts`)
  process.argv = [process.execPath, script, ...rest]
  await import('tsx')
  await import(pathToFileURL(script).href)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main()
