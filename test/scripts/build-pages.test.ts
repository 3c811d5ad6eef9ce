import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { fingerprintOf } from '#scripts/build-pages.ts'
import { tempDir } from '../local/temp-dir.ts'

test('only a changed or moved source of the pages changes their fingerprint', async () => {
  const folder = await tempDir()
  mkdirSync(join(folder, 'app/jobs'), { recursive: true })
  writeFileSync(join(folder, 'app/jobs/page.tsx'), 'one')
  const first = fingerprintOf(folder)
  writeFileSync(join(folder, 'README.md'), 'words')
  expect(fingerprintOf(folder)).toBe(first)

  writeFileSync(join(folder, 'app/jobs/page.tsx'), 'two')
  const changed = fingerprintOf(folder)
  renameSync(join(folder, 'app/jobs/page.tsx'), join(folder, 'app/page.tsx'))
  const moved = fingerprintOf(folder)
  writeFileSync(join(folder, 'next.config.js'), 'export default {}')
  expect(new Set([first, changed, moved, fingerprintOf(folder)]).size).toBe(4)
})
