/**
 * This program in two files, one for each thread of a member, as `aviary run --cluster` needs it. An emulated machine takes
 * ten seconds and more to find, read and link the hundreds of modules that it consists of.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Plugin } from 'esbuild'
import { installation } from './error-place.js'

/** Its threads find each other beside themselves; everything else is where it is installed. */
const BESIDE = join(installation, 'cli', 'core-thread-url.js')

/** A module of the user's gets these from the installation, and there must be one of each. */
const SHARED = /^(protocol|sim)\//

const places = (forModules: boolean): Plugin => ({
  name: 'places',
  setup(build) {
    build.onResolve({ filter: /^\.{1,2}\// }, ({ path, resolveDir, kind }) => {
      const target = join(resolveDir, path)
      const isShared = forModules && kind !== 'entry-point' && SHARED.test(relative(installation, target))
      return isShared ? { path: pathToFileURL(target).href, external: true } : undefined
    })
    // It brings a program of its own, and is needed for modules of the user's; beside the bundle there are no packages.
    build.onResolve({ filter: /^esbuild$/ }, ({ path }) => ({
      path: pathToFileURL(createRequire(import.meta.url).resolve(path)).href,
      external: true,
    }))
    build.onLoad({ filter: /\.js$/ }, ({ path }) => {
      if (path === BESIDE || !path.startsWith(installation)) return undefined
      const url = JSON.stringify(pathToFileURL(path).href)
      return { contents: readFileSync(path, 'utf8').replaceAll('import.meta.url', url), loader: 'js' }
    })
  },
})

/**
 * Writes it into a folder. Returns the path of the program.
 * @param forModules it will load systems of the user's own
 */
export async function bundleProgram(folder: string, forModules: boolean): Promise<string> {
  await bundle(
    folder,
    ['main', 'core-worker'].map((name) => join(installation, 'cli', `${name}.js`)),
    forModules,
  )
  return join(folder, 'main.js')
}

/** Writes each of these programs of the installation into a folder as one file, under its own name. */
export async function bundle(folder: string, programs: readonly string[], forModules = false): Promise<void> {
  const { build } = await import('esbuild')
  await build({
    entryPoints: [...programs],
    outdir: folder,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    minifySyntax: true,
    minifyWhitespace: true,
    // Packages of the older kind ask for modules of Node by this.
    banner: {
      js: `import{createRequire as __requireFrom}from'node:module';const require=__requireFrom(${JSON.stringify(`${installation}/`)});`,
    },
    logLevel: 'silent',
    plugins: [places(forModules)],
  })
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }))
}
