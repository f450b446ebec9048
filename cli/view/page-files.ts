/**
 * The files of the browser workbench as it was built, and the worker anew when systems of the user's are to be in it.
 *
 * Contract. The page and the session come from this installation; of a user's module only what esbuild bundles goes into
 * the worker. Whatever is wrong is told as a UsageError.
 */
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { z } from 'zod'
import { installation, messageOf } from '../error-place.js'
import { UsageError } from '../errors.js'
import { packagedPrograms } from '../litmus-file.js'
import { type LoadedSystem, aviaryImports } from '../load-system.js'

/** Bytes by path below the root of the page. */
export type PageFiles = ReadonlyMap<string, Uint8Array>

const builtPage = join(installation, 'page')

/** Everything in `dist/page`. */
export function builtFiles(): Map<string, Uint8Array> {
  if (!existsSync(join(builtPage, 'index.html')))
    throw new UsageError(
      `the page of the workbench is not built: ${join(builtPage, 'index.html')} is missing`,
      'build it: npm run build',
    )
  const files = new Map<string, Uint8Array>()
  const walk = (folder: string, path: string): void => {
    for (const name of readdirSync(folder)) {
      const file = join(folder, name)
      if (statSync(file).isDirectory()) walk(file, `${path}${name}/`)
      else files.set(`${path}${name}`, readFileSync(file))
    }
  }
  walk(builtPage, '')
  return files
}

const gallerySchema = z.array(z.object({ system: z.string(), variant: z.string(), url: z.string() }))

/** The wrong variants that have a trace in the gallery. */
export function galleryOf(files: PageFiles): z.infer<typeof gallerySchema> {
  const list = files.get('gallery.json')
  return list === undefined ? [] : gallerySchema.parse(JSON.parse(Buffer.from(list).toString('utf8')))
}

/** The session's worker with the systems of a module, or a litmus program, beside those of Aviary. */
export async function workerWith({ source, argument, modulePath }: LoadedSystem): Promise<Uint8Array> {
  const from = (...path: string[]): string => JSON.stringify(join(installation, ...path))
  const place = JSON.stringify(argument)
  const imports = [
    `import { comingSystems } from ${from('cli', 'view', 'coming-systems.js')}`,
    `import { pageRecordings } from ${from('cli', 'view', 'page-recordings.js')}`,
    `import { startWorker } from ${from('viz', 'session', 'worker-port.js')}`,
  ]
  let own: string
  if (source.kind === 'litmus')
    own = `comingSystems(${JSON.stringify([[source.file.replace(/\.litmus$/, ''), source.text]])}).filter(({ origin }) => origin === 'litmus')`
  else {
    imports.push(
      `import * as own from ${JSON.stringify(resolve(modulePath ?? argument))}`,
      `import { systemsIn } from ${from('cli', 'systems-in.js')}`,
    )
    own = `systemsIn(own).map((definition) => ({ definition, origin: 'module', modulePath: ${place} }))`
  }
  // One of the user's that is called like one of Aviary's takes its place.
  const coming = `comingSystems(${JSON.stringify(packagedPrograms())})`
  const others = `${coming}.filter((its) => mine.every((one) => one.definition.name !== its.definition.name))`
  const esbuild = await import('esbuild')
  try {
    const { outputFiles } = await esbuild.build({
      stdin: {
        contents: `${imports.join('\n')}\nconst mine = ${own}\nstartWorker([...mine, ...${others}], pageRecordings)\n`,
        resolveDir: dirname(resolve(modulePath ?? argument)),
        loader: 'js',
      },
      bundle: true,
      format: 'esm',
      platform: 'browser',
      mainFields: ['module', 'main'],
      conditions: ['import', 'default'],
      target: 'es2023',
      charset: 'utf8',
      write: false,
      logLevel: 'silent',
      // So that there is one copy of every class.
      plugins: [aviaryImports((file) => ({ path: join(installation, file) }))],
    })
    return outputFiles[0]!.contents
  } catch (error) {
    throw new UsageError(
      `${argument}: cannot be bundled for the browser: ${messageOf(error)}`,
      'mend the module; `aviary explore` on it says where.',
    )
  }
}
