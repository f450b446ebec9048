// Builds what is written in C++: the addon for Node, and the programs that test it without Node.
//
// Guarantees: needs g++ (or the compiler that CXX names) and the headers of two npm packages, nothing else; compiles
// only what has changed since, by the files that the compiler said it had read; an output appears whole or not at all, so a
// process that has loaded the old one keeps it.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import * as fs from 'node:fs'
import { availableParallelism } from 'node:os'
import { basename, dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const at = (...parts) => join(root, ...parts)

export const compiler = process.env.CXX ?? 'g++'
export const addonPath = at('dist', 'native', 'aviary.node')

const common = ['-std=c++20', '-Wall', '-Wextra', '-Werror', '-fPIC', '-g', '-pthread']
const variants = {
  release: ['-O2'],
  // A sanitizer stops at its first finding; the programs under it are linked with its library.
  sanitized: ['-O1', '-fsanitize=address,undefined', '-fno-sanitize-recover=all', '-fno-omit-frame-pointer'],
}
const addonFlags = [
  '-DNAPI_VERSION=8',
  '-DNAPI_DISABLE_CPP_EXCEPTIONS',
  '-DNODE_ADDON_API_DISABLE_DEPRECATED',
  '-isystem',
  at('node_modules', 'node-api-headers', 'include'),
  '-isystem',
  at('node_modules', 'node-addon-api'),
]

/** What a compiler could not do; the message holds its output. */
export class NativeBuildError extends Error {}

const sourcesOf = (folder) =>
  fs
    .readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(folder, entry.name)
      return entry.isDirectory() ? sourcesOf(path) : /\.(cc|h)$/.test(path) ? [path] : []
    })
    .sort()

/** libibverbs is loaded when it is asked for, but its headers must be there when what calls it is compiled. */
const verbsHeader = '/usr/include/infiniband/verbs.h'
const hasVerbs = () => fs.existsSync(verbsHeader)

/** Changes whenever the addon may have to be built again. */
export const nativeFingerprint = () => {
  const hash = createHash('sha256').update(`${compiler} ${process.platform} ${process.arch} ${hasVerbs()}\n`)
  for (const path of [...sourcesOf(at('native')), fileURLToPath(import.meta.url)]) {
    const { size, mtimeMs } = fs.statSync(path)
    hash.update(`${relative(root, path)} ${size} ${mtimeMs}\n`)
  }
  return hash.digest('hex')
}

const run = (args) =>
  new Promise((resolve, reject) => {
    const child = spawn(compiler, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    const collect = (chunk) => (output += chunk)
    child.stdout.setEncoding('utf8').on('data', collect)
    child.stderr.setEncoding('utf8').on('data', collect)
    child.on('error', (error) =>
      reject(new NativeBuildError(`${compiler} cannot be started: ${error.message}`)),
    )
    child.on('close', (code) => {
      if (code === 0) resolve()
      else reject(new NativeBuildError(output.trim().split('\n').slice(0, 30).join('\n')))
    })
  })

const mtimeMs = (path) => fs.statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Infinity

/** Whether an object was made with these arguments after the last change of everything that went into it. */
const isFresh = (object, commandLine) => {
  const made = fs.statSync(object, { throwIfNoEntry: false })?.mtimeMs
  if (made === undefined || !fs.existsSync(`${object}.d`) || !fs.existsSync(`${object}.args`)) return false
  if (fs.readFileSync(`${object}.args`, 'utf8') !== commandLine) return false
  const read = fs.readFileSync(`${object}.d`, 'utf8').replace(/^[^:]*:/, '')
  const files = read.replaceAll('\\\n', ' ').split(/\s+/).filter(Boolean)
  return files.every((path) => mtimeMs(resolve(root, path)) < made)
}

const compile = async (sources, variant, folder) => {
  fs.mkdirSync(folder, { recursive: true })
  const objects = sources.map((source) => join(folder, `${relative(root, source).replaceAll('/', '_')}.o`))
  const queue = sources.map((source, i) => ({ source, object: objects[i] }))
  const worker = async () => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const { source, object } = next
      const flags = [...common, ...variants[variant], ...(source.includes('/addon/') ? addonFlags : [])]
      // Headers that come, or go, are no file that the compiler has read.
      const headers = source.includes('/verbs/') ? [hasVerbs() ? 'with verbs' : 'without verbs'] : []
      const commandLine = [compiler, ...flags, ...headers].join(' ')
      if (isFresh(object, commandLine)) continue
      const draft = `${object}.${process.pid}`
      await run([...flags, '-MMD', '-MF', `${draft}.d`, '-c', relative(root, source), '-o', draft])
      fs.renameSync(`${draft}.d`, `${object}.d`)
      fs.renameSync(draft, object)
      fs.writeFileSync(`${object}.args`, commandLine)
    }
  }
  await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, worker))
  return objects
}

const link = async (objects, output, variant, flags) => {
  const made = fs.statSync(output, { throwIfNoEntry: false })?.mtimeMs ?? 0
  const commandLine = [
    compiler,
    ...variants[variant],
    ...flags,
    ...objects.map((object) => basename(object)),
  ].join(' ')
  const record = join(dirname(objects[0]), `${basename(output)}.link`)
  const isSame = fs.existsSync(record) && fs.readFileSync(record, 'utf8') === commandLine
  if (isSame && objects.every((object) => mtimeMs(object) <= made)) return
  fs.mkdirSync(dirname(output), { recursive: true })
  const draft = `${output}.${process.pid}`
  await run([...common, ...variants[variant], ...flags, ...objects, '-o', draft])
  fs.renameSync(draft, output)
  fs.writeFileSync(record, commandLine)
}

const objectsFolder = (variant) => at('.cache', 'native', `${variant}-${process.arch}`)

/** Builds `dist/native/aviary.node`. Throws {@link NativeBuildError}. */
export const buildAddon = async () => {
  const sources = sourcesOf(at('native')).filter((path) => path.endsWith('.cc'))
  const objects = await compile(sources, 'release', objectsFolder('release'))
  await link(objects, addonPath, 'release', ['-shared'])
}

/** Builds a program from sources of its own and everything but the addon's; returns its path. */
export const buildProgram = async (name, ownSources, variant) => {
  const shared = sourcesOf(at('native')).filter((path) => path.endsWith('.cc') && !path.includes('/addon/'))
  const folder = objectsFolder(variant)
  const objects = await compile([...shared, ...ownSources], variant, folder)
  const output = join(folder, basename(name))
  await link(objects, output, variant, [])
  return output
}

if (process.argv[1] !== undefined && fs.realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    await buildAddon()
  } catch (error) {
    console.error(`aviary: the native addon does not compile:\n${error.message}`)
    process.exit(2)
  }
}
