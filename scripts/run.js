/**
 * The way into every command: `node scripts/run.js <command> …`. Plain JavaScript without packages,
 * for it runs before there are any: it checks Node, installs what is missing, and then runs
 * `scripts/<command>.ts` in this same process, so that signals and the exit code need nobody to
 * pass them on.
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
/** These need the packages of development as well. */
const developing = ['dev', 'test', 'test-watch', 'chaos', 'bench']
const oldest = [20, 19]

/** Whether this version of Node (`20.19.1`) can run us. */
export function isNewEnough(version) {
  const [major, minor] = version.split('.').map(Number)
  return major > oldest[0] || (major === oldest[0] && minor >= oldest[1])
}

/**
 * Compares what is installed with what the lock file asks for. Packages for other platforms may be
 * absent, and for anything but the tests those of development too.
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
  const pass = (signal) => npm.kill(signal)
  process.on('SIGINT', pass).on('SIGTERM', pass)
  const code = await new Promise((resolve) =>
    npm.on('exit', (code) => resolve(code ?? 1)).on('error', () => resolve(127)),
  )
  process.off('SIGINT', pass).off('SIGTERM', pass)
  if (code === 0) return
  console.error('npm could not install the packages; what it says above tells why.')
  process.exit(code)
}

async function main() {
  const [command, ...rest] = process.argv.slice(2)
  if (!isNewEnough(process.versions.node)) {
    console.error(
      `Searchlight needs Node ${oldest.join('.')} or later; this is ${process.versions.node}.`,
    )
    process.exit(1)
  }
  if (!commands.includes(command)) {
    console.error(
      `Say one of these: ${commands.map((name) => `node scripts/run.js ${name}`).join(', ')}`,
    )
    process.exit(2)
  }
  const projectDir = dirname(dirname(fileURLToPath(import.meta.url)))
  if (needsInstall(projectDir, { development: developing.includes(command) }))
    await install(projectDir)

  const script = join(projectDir, 'scripts', `${command}.ts`)
  process.argv = [process.execPath, script, ...rest]
  await import('tsx')
  await import(pathToFileURL(script).href)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main()
