// Makes a checkout ready to run: packages installed, sources and the native addon compiled, `npx aviary` linked.
//
// Guarantees: depends on Node's own library only; does and prints nothing when nothing is to do, and then does not
// write either (a checkout may be mounted read-only); two at once are safe, the second waits for the first; an
// error names what failed and the mend, without a stack trace.
import { spawn } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import * as fs from 'node:fs'
import { hostname } from 'node:os'
import { delimiter, dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { NativeBuildError, addonPath, buildAddon, compiler, nativeFingerprint } from './build-native.mjs'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const at = (...parts) => join(root, ...parts)

const nodeMajorMin = 20
const progressAfterMs = 2_000

/** A failure that its message explains: what failed, then how to mend it. */
class BootstrapError extends Error {}

// ---- Processes --------------------------------------------------------------------------------------------------

const say = (line) => console.error(`aviary: ${line}`)

/** Runs `work`; says so when it takes more than two seconds. */
const withProgress = async (label, work) => {
  const startMs = Date.now()
  let told = false
  const timer = setTimeout(() => {
    told = true
    say(`${label} …`)
  }, progressAfterMs)
  try {
    const result = await work()
    if (told) say(`${label}: took ${((Date.now() - startMs) / 1000).toFixed(1)} s`)
    return result
  } finally {
    clearTimeout(timer)
  }
}

/** Resolves to the exit code (127 when the command cannot be started) and everything it printed. */
const run = (command, args, env = {}) =>
  new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    const collect = (chunk) => (output += chunk)
    child.stdout.setEncoding('utf8').on('data', collect)
    child.stderr.setEncoding('utf8').on('data', collect)
    child.on('error', (error) => resolve({ code: 127, output: error.message }))
    child.on('close', (code, signal) =>
      resolve({ code: code ?? 1, output: signal ? `${output}\nended by ${signal}` : output }),
    )
  })

const lastLines = (text, count) => text.trim().split('\n').slice(-count).join('\n')

const onPath = (command) =>
  (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      fs.accessSync(join(folder, command), fs.constants.X_OK)
      return true
    } catch {
      return false
    }
  })

// ---- System packages --------------------------------------------------------------------------------------------

/**
 * What the machine itself must have. `probe` is a command on the PATH, or a file when it is an absolute path;
 * without a `required` package nothing runs, the others are asked for once and then left to the user.
 */
const systemPackages = [
  { probe: 'git', package: 'git', required: false, why: 'names the commit in reports and traces' },
  ...(process.platform === 'linux' && process.env.CXX === undefined
    ? [{ probe: 'g++', package: 'g++', required: false, why: 'compiles shared memory and storage' }]
    : []),
  ...(process.platform === 'linux'
    ? [
        {
          probe: '/usr/include/infiniband/verbs.h',
          package: 'libibverbs-dev',
          required: false,
          why: 'compiles the fabric over RDMA',
        },
      ]
    : []),
]

/** What only the tests need: `npm test` asks for it with `--for-tests`, `npm start` does without. */
const testPackages = [
  ...(process.platform === 'linux'
    ? [{ probe: 'chromium', package: 'chromium', required: false, why: 'tests the workbench in a browser' }]
    : []),
]

const present = ({ probe }) => (probe.startsWith('/') ? fs.existsSync(probe) : onPath(probe))

const installSystemPackages = async (missing) => {
  const names = missing.map((entry) => entry.package)
  const reasons = missing.map((entry) => `${entry.package} (${entry.why})`).join(', ')
  const byHand = `sudo apt-get update && sudo apt-get install -y ${names.join(' ')}`
  const isRoot = process.getuid?.() === 0
  const mayInstall =
    onPath('apt-get') && (isRoot || (onPath('sudo') && (await run('sudo', ['-n', 'true'])).code === 0))

  let reason = 'That needs root, or sudo without a password.'
  if (mayInstall) {
    const aptGet = (...args) => {
      const command = ['env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-q', ...args]
      if (!isRoot) command.unshift('sudo', '-n')
      return run(command[0], command.slice(1))
    }
    const failed = await withProgress(`installing ${reasons}`, async () => {
      const updated = await aptGet('update')
      const installed = await aptGet('install', '-y', '--no-install-recommends', ...names)
      if (installed.code === 0) return undefined
      return updated.code === 0 ? installed : updated
    })
    if (failed === undefined) return
    reason = `apt-get failed:\n${lastLines(failed.output, 8)}`
  }
  const message = `missing on this machine: ${reasons}. ${reason}\nInstall by hand: ${byHand}`
  if (missing.some((entry) => entry.required)) throw new BootstrapError(message)
  say(message)
}

// ---- Stamps: what was done last, and for which input ------------------------------------------------------------

const packagesStamp = { path: at('node_modules', '.aviary-packages'), of: () => packagesFingerprint() }
const buildStamp = { path: at('dist', '.aviary-build'), of: () => sourcesFingerprint() }

/** Without a compiler there is nothing to do, which changes when there is one. */
const canBuildNative = () => process.platform === 'linux' && (onPath(compiler) || fs.existsSync(compiler))
const nativeStamp = {
  path: at('dist', 'native', '.aviary-addon'),
  of: () => (canBuildNative() ? nativeFingerprint() : 'no compiler'),
}

const isFresh = (stamp) => {
  try {
    return fs.readFileSync(stamp.path, 'utf8') === stamp.of()
  } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return false
    throw error
  }
}

/** Some packages carry a binary for one platform, so the platform belongs to the input. */
const packagesFingerprint = () =>
  createHash('sha256')
    .update(fs.readFileSync(at('package-lock.json')))
    .update(`node ${process.versions.node.split('.')[0]} ${process.platform} ${process.arch}`)
    .digest('hex')

/** Everything but the tests: a test that does not compile must not keep the command from starting. */
const projectsToBuild = () =>
  JSON.parse(fs.readFileSync(at('tsconfig.json'), 'utf8'))
    .references.map((reference) => reference.path)
    .filter((path) => path !== './tests')

/** Looks at names, sizes and times only: reading every source would cost more than it tells. */
const sourcesFingerprint = () => {
  const hash = createHash('sha256').update(packagesFingerprint())
  const add = (path) => {
    const { size, mtimeMs } = fs.statSync(path)
    hash.update(`${relative(root, path)} ${size} ${mtimeMs}\n`)
  }
  const walk = (folder) => {
    const entries = fs.readdirSync(folder, { withFileTypes: true })
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) walk(path)
      else if (/\.(ts|html|css)$|^tsconfig.*\.json$/.test(entry.name)) add(path)
    }
  }
  for (const entry of ['tsconfig.json', 'tsconfig.base.json', 'index.ts']) add(at(entry))
  for (const project of projectsToBuild()) (project.endsWith('.json') ? add : walk)(at(project))
  return hash.digest('hex')
}

// ---- The three pieces of work -----------------------------------------------------------------------------------

const installPackages = async () => {
  // The development packages hold the compiler, so they are needed even where NODE_ENV says production.
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund']
  const { code, output } = await withProgress('installing packages (npm ci)', () => run('npm', args))
  if (code === 127)
    throw new BootstrapError('npm was not found. Install npm 10 or newer; it comes with Node.')
  if (code !== 0) {
    // npm says what is wrong first, then repeats how it is called.
    const errors = output.split('\n').filter((line) => /^npm (error|ERR!) ./.test(line))
    const mend = output.includes('EUSAGE')
      ? 'package.json and package-lock.json disagree: run `npm install`, and commit both.'
      : 'Check the network and the registry that npm uses, then run `npm ci` to see more.'
    throw new BootstrapError(`npm ci failed (exit ${code}):\n${errors.slice(0, 8).join('\n')}\n${mend}`)
  }
  fs.writeFileSync(packagesStamp.path, packagesStamp.of())
}

const build = async () => {
  // Taken before the build: a source that is saved meanwhile is then built again next time.
  const fingerprint = buildStamp.of()
  const args = [
    at('node_modules', 'typescript', 'bin', 'tsc'),
    '-b',
    '--pretty',
    'false',
    ...projectsToBuild(),
  ]
  const { code, output } = await withProgress('compiling (tsc -b)', () => run(process.execPath, args))
  if (code !== 0) {
    const lines = output.trim().split('\n')
    const rest = lines.length > 20 ? `\n… and ${lines.length - 20} more lines` : ''
    throw new BootstrapError(
      `the sources do not compile:\n${lines.slice(0, 20).join('\n')}${rest}\nMend these, then run \`npm run build\` to see all.`,
    )
  }
  await withProgress('bundling the page', buildPageFiles)
  fs.mkdirSync(dirname(buildStamp.path), { recursive: true })
  fs.writeFileSync(buildStamp.path, fingerprint)
}

const buildPageFiles = async () => {
  // Loaded here, for the bundler is among the packages that may have been installed just now.
  const { buildPage } = await import('./build-page.mjs')
  try {
    await buildPage()
  } catch (error) {
    throw new BootstrapError(`the page of the workbench cannot be bundled: ${error.message}`)
  }
}

/** Where it cannot be built, whatever asks for it says so by name. */
const buildNative = async () => {
  const fingerprint = nativeStamp.of()
  if (canBuildNative()) {
    try {
      await withProgress('compiling the native addon', buildAddon)
    } catch (error) {
      if (!(error instanceof NativeBuildError)) throw error
      // Nothing but shared memory and storage needs it; not tried again before its sources or the compiler change.
      fs.rmSync(addonPath, { force: true })
      say('the native addon does not compile: `node scripts/build-native.mjs` says why')
    }
  } else fs.rmSync(addonPath, { force: true })
  fs.mkdirSync(dirname(nativeStamp.path), { recursive: true })
  fs.writeFileSync(nativeStamp.path, fingerprint)
}

const link = { path: at('node_modules', '.bin', 'aviary'), target: join('..', '..', 'cli', 'aviary.mjs') }

const isLinked = () => {
  try {
    return fs.readlinkSync(link.path) === link.target
  } catch {
    return false
  }
}

/** npm links the commands of packages, not a checkout's own. */
const linkCommand = () => {
  fs.mkdirSync(dirname(link.path), { recursive: true })
  fs.rmSync(link.path, { force: true })
  fs.symlinkSync(link.target, link.path)
}

// ---- One at a time ----------------------------------------------------------------------------------------------

const lockPath = at('.cache', 'bootstrap.lock')
const heartbeatMs = 5_000
const staleAfterMs = 60_000

const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** Who holds the lock, and whether it can still be at work; undefined when nobody holds it. */
const lockHolder = () => {
  try {
    const owner = JSON.parse(fs.readFileSync(join(lockPath, 'owner.json'), 'utf8'))
    const silentMs = Date.now() - fs.statSync(lockPath).mtimeMs
    return { ...owner, stale: silentMs > staleAfterMs || (owner.host === hostname() && !isAlive(owner.pid)) }
  } catch (error) {
    if (error.code === 'ENOENT') return undefined
    throw error
  }
}

const isAlive = (pid) => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

/** The lock appears with its owner inside, in one rename; a rename onto a lock that is held fails. */
const tryLock = () => {
  const id = randomUUID()
  const draft = `${lockPath}.${id}`
  fs.mkdirSync(draft, { recursive: true })
  fs.writeFileSync(join(draft, 'owner.json'), JSON.stringify({ id, pid: process.pid, host: hostname() }))
  try {
    fs.renameSync(draft, lockPath)
    return true
  } catch (error) {
    fs.rmSync(draft, { recursive: true })
    if (error.code === 'ENOTEMPTY' || error.code === 'EEXIST' || error.code === 'EPERM') return false
    throw error
  }
}

/**
 * Moves a dead owner's lock aside under that owner's name. Of several that find it stale only one succeeds: for
 * the others the name is taken, so that none of them can move away the lock of the one that came first.
 */
const setAside = (holder) => {
  try {
    fs.renameSync(lockPath, `${lockPath}.stale-${holder.id}`)
  } catch (error) {
    if (!['ENOENT', 'ENOTEMPTY', 'EEXIST', 'EPERM'].includes(error.code)) throw error
  }
}

const removeStaleLocks = () => {
  for (const name of fs.readdirSync(dirname(lockPath))) {
    if (name.startsWith('bootstrap.lock.stale-')) {
      fs.rmSync(join(dirname(lockPath), name), { recursive: true, force: true })
    }
  }
}

const underLock = async (work) => {
  await withProgress('waiting for another start of aviary in this folder', async () => {
    while (!tryLock()) {
      const holder = lockHolder()
      if (holder?.stale) setAside(holder)
      else await sleep(100)
    }
  })
  const heartbeat = setInterval(() => {
    // Fails only when somebody removed the folder by hand; the work goes on.
    fs.utimes(lockPath, new Date(), new Date(), () => {})
  }, heartbeatMs)
  try {
    await work()
  } finally {
    clearInterval(heartbeat)
    removeStaleLocks()
    fs.rmSync(lockPath, { recursive: true, force: true })
  }
}

// ---- All together -----------------------------------------------------------------------------------------------

const isReady = () => isFresh(packagesStamp) && isFresh(buildStamp) && isFresh(nativeStamp) && isLinked()

/** Brings the checkout up to date; throws an error whose message can be shown as it is. */
const bootstrap = async ({ forTests = false } = {}) => {
  if (Number.parseInt(process.versions.node, 10) < nodeMajorMin) {
    throw new BootstrapError(
      `needs Node ${nodeMajorMin} or newer, and this is ${process.version}. Install a newer Node (the file .nvmrc names the one that is tested).`,
    )
  }
  const missingForTests = forTests ? testPackages.filter((entry) => !present(entry)) : []
  if (isReady() && missingForTests.length === 0) return
  await underLock(async () => {
    const missing = [...systemPackages, ...missingForTests].filter((entry) => !present(entry))
    if (missing.length > 0) await installSystemPackages(missing)
    if (!isFresh(packagesStamp)) await installPackages()
    if (!isFresh(buildStamp)) await build()
    if (!isFresh(nativeStamp)) await buildNative()
    if (!isLinked()) linkCommand()
  })
}

/** What a command does first: exits with 2 ("could not start") when the checkout cannot be made ready. */
export const bootstrapOrExit = async (options) => {
  try {
    await bootstrap(options)
  } catch (error) {
    say(error instanceof BootstrapError ? error.message : `could not prepare this checkout: ${error.message}`)
    process.exit(2)
  }
}

if (process.argv[1] !== undefined && fs.realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  await bootstrapOrExit({ forTests: process.argv.includes('--for-tests') })
}
