import { existsSync } from 'node:fs'
import { CannotStart } from '#local/cannot-start.ts'
import { handOver } from '#local/run-child.ts'
import { findProgram, isExecutable } from '#local/services/find-program.ts'
import { installPackage } from '#local/services/install-package.ts'

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
const macApps = ['Google Chrome', 'Chromium'].map(
  (name) => `/Applications/${name}.app/Contents/MacOS/${name}`,
)

/**
 * The browser for the tests: `CHROMIUM_PATH`, else an installed one, else Playwright's download;
 * null if there is none.
 */
export async function findChromium(): Promise<string | null> {
  const given = process.env.CHROMIUM_PATH
  if (given) return given
  const installed =
    names.map(findProgram).find((path) => path !== null) ?? macApps.find(isExecutable)
  if (installed !== undefined) return installed
  const { chromium } = await import('playwright')
  return existsSync(chromium.executablePath()) ? chromium.executablePath() : null
}

/**
 * Finds a browser, or installs one: with apt-get if possible, else with Playwright's download.
 * @throws {CannotStart} saying what to install.
 */
export async function ensureChromium(say: (sentence: string) => void): Promise<string> {
  const found = await findChromium()
  if (found !== null) return found
  if (!(await installPackage('chromium', say))) {
    say("Downloading Playwright's Chromium…")
    await handOver('npx', ['playwright', 'install', 'chromium'], process.env)
  }
  const installed = await findChromium()
  if (installed !== null) return installed
  throw new CannotStart(
    'The tests need a browser. Install Chromium or Google Chrome, or set CHROMIUM_PATH to one.',
  )
}
