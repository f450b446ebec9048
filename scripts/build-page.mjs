// Builds the browser workbench into static files: the page, the worker with its session, and the gallery's traces.
//
// Guarantees: what is there afterwards is `dist/page`, whole or as it was before; it needs nothing but its own files, so
// it can be served from anywhere, and works offline.
import { build } from 'esbuild'
import * as fs from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const at = (...parts) => join(root, ...parts)
const target = at('dist', 'page')
/** Where the minimised traces of wrong variants are, by system. */
const galleries = () => [
  ...fs.readdirSync(at('viz', 'gallery')).map((system) => ({ system, folder: at('viz', 'gallery', system) })),
  { system: 'apus', folder: at('tests', 'apus', 'traces') },
]

/** Name and text of each litmus program. */
const litmusPrograms = () => {
  const folder = at('model-check', 'litmus', 'programs')
  const files = fs.readdirSync(folder).filter((name) => name.endsWith('.litmus'))
  return files
    .sort()
    .map((name) => [name.replace(/\.litmus$/, ''), fs.readFileSync(join(folder, name), 'utf8')])
}

/** Throws esbuild's own error, which names file and line, where a source cannot be bundled. */
export const buildPage = async () => {
  const draft = `${target}.${process.pid}`
  fs.rmSync(draft, { recursive: true, force: true })
  try {
    const pageThere = fs.existsSync(at('viz', 'page', 'main.ts'))
    await build({
      entryPoints: {
        ...(pageThere ? { main: at('viz', 'page', 'main.ts'), style: at('viz', 'page', 'style.css') } : {}),
        worker: at('cli', 'view', 'page-worker.ts'),
      },
      absWorkingDir: root,
      outdir: draft,
      bundle: true,
      minify: true,
      format: 'esm',
      platform: 'browser',
      target: 'es2023',
      charset: 'utf8',
      logLevel: 'silent',
      define: { litmusPrograms: JSON.stringify(litmusPrograms()) },
    })
    if (pageThere) fs.copyFileSync(at('viz', 'page', 'index.html'), join(draft, 'index.html'))
    const gallery = []
    for (const { system, folder } of galleries()) {
      fs.mkdirSync(join(draft, 'gallery', system), { recursive: true })
      for (const name of fs.readdirSync(folder).sort()) {
        if (!name.endsWith('.aviary')) continue
        const url = `gallery/${system}/${name}`
        fs.copyFileSync(join(folder, name), join(draft, url))
        gallery.push({ system, variant: name.replace(/\.aviary$/, ''), url })
      }
    }
    fs.writeFileSync(join(draft, 'gallery.json'), `${JSON.stringify(gallery)}\n`)
    fs.rmSync(target, { recursive: true, force: true })
    fs.renameSync(draft, target)
  } finally {
    fs.rmSync(draft, { recursive: true, force: true })
  }
}

if (process.argv[1] !== undefined && fs.realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  await buildPage()
}
