/**
 * What the machines boot: Debian's stock kernel, its modules for RDMA, and a static busybox, downloaded as packages (so
 * that apt checks their signatures) and unpacked into a folder of the user's cache. Nothing is installed.
 */
import { createHash } from 'node:crypto'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { homedir } from 'node:os'
import { basename, join } from 'node:path'
import { RunError } from '../errors.js'
import {
  CHARACTER_DEVICE_MODE,
  type CpioEntry,
  FOLDER_MODE,
  PROGRAM_MODE,
  FILE_MODE,
  cpioArchive,
} from './cpio.js'
import { INIT, MODULES } from './init.js'
import { aptGet, lastLine, mayInstall } from './packages.js'
import { run } from './processes.js'

export interface Kernel {
  /** As `uname -r` says. */
  readonly release: string
  readonly image: string
  readonly initramfs: string
}

const DOWNLOAD_MILLIS = 600_000
const UNPACK_MILLIS = 120_000

/** The cache of the XDG Base Directory Specification. */
export function cacheFolder(): string {
  const base = process.env['XDG_CACHE_HOME']
  return join(base === undefined || base === '' ? join(homedir(), '.cache') : base, 'aviary', 'testbed')
}

/** From the cache, or fetched now. Throws {@link RunError} when it cannot be had. */
export async function demandKernel(tell: (line: string) => void): Promise<Kernel> {
  const folder = join(cacheFolder(), `kernel-${digest(MODULES.join())}`)
  if (!existsSync(folder)) await fetchKernel(folder, tell)
  const initramfs = join(folder, `initramfs-${digest(INIT)}`)
  if (!existsSync(initramfs)) buildInitramfs(folder, initramfs)
  return { release: readFileSync(join(folder, 'release'), 'utf8'), image: join(folder, 'vmlinux'), initramfs }
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 12)

async function fetchKernel(folder: string, tell: (line: string) => void): Promise<void> {
  mkdirSync(cacheFolder(), { recursive: true })
  const draft = mkdtempSync(`${folder}.`)
  try {
    // apt downloads as a user of its own where it can.
    chmodSync(draft, 0o777)
    tell('downloading Debian’s kernel (70 MB, once)')
    const packages = await download(draft)
    tell('unpacking it')
    const tree = join(draft, 'tree')
    for (const each of packages) await demand('dpkg-deb', ['-x', each, tree], draft)
    const modulesFolder = [join(tree, 'lib/modules'), join(tree, 'usr/lib/modules')].find((each) =>
      existsSync(each),
    )
    const [release] = modulesFolder === undefined ? [] : readdirSync(modulesFolder)
    if (modulesFolder === undefined || release === undefined)
      throw new RunError('the kernel’s package holds no modules', 'Debian 12 or 13 has one that works.')
    const busybox = [join(tree, 'bin/busybox'), join(tree, 'usr/bin/busybox')].find((each) =>
      existsSync(each),
    )
    if (busybox === undefined)
      throw new RunError('busybox-static holds no busybox', 'Debian 12 has one that works.')
    copyFileSync(busybox, join(draft, 'busybox'))
    mkdirSync(join(draft, 'modules'))
    const modules = await orderedModules(join(modulesFolder, release), draft)
    modules.forEach(({ name, bytes }, index) => {
      writeFileSync(join(draft, 'modules', `${String(index).padStart(2, '0')}-${name}`), bytes)
    })
    await unpackImage(join(tree, 'boot', `vmlinuz-${release}`), join(draft, 'vmlinux'))
    writeFileSync(join(draft, 'release'), release)
    for (const each of [...packages, tree]) rmSync(each, { recursive: true })
    chmodSync(draft, 0o755)
    try {
      renameSync(draft, folder)
    } catch (error) {
      // Another command has fetched the same meanwhile.
      if (!existsSync(folder)) throw error
    }
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
}

/** The paths of the packages. */
async function download(folder: string): Promise<string[]> {
  const fetched = await tryDownload(folder)
  if (fetched.length === 2) return fetched
  // Lists that are missing or old name packages that are not there any more.
  if (await mayInstall()) await aptGet('update')
  const again = await tryDownload(folder)
  if (again.length === 2) return again
  const { output } = await run('apt-get', ['download', 'linux-image-amd64'], {
    cwd: folder,
    millis: DOWNLOAD_MILLIS,
  })
  throw new RunError(
    `Debian’s kernel cannot be downloaded: ${lastLine({ code: 1, output })}`,
    'the testbed needs apt with Debian’s packages: run `sudo apt-get update`, and check the network.',
  )
}

async function tryDownload(folder: string): Promise<string[]> {
  // A package without content that depends on the newest kernel.
  const { output } = await run('apt-cache', ['depends', 'linux-image-amd64'], { millis: 60_000 })
  const name = /Depends: (linux-image-\S+)/.exec(output)?.[1]
  if (name === undefined) return []
  await run('apt-get', ['download', name, 'busybox-static'], { cwd: folder, millis: DOWNLOAD_MILLIS })
  return readdirSync(folder)
    .filter((each) => each.endsWith('.deb'))
    .map((each) => join(folder, each))
}

async function demand(command: string, args: readonly string[], cwd: string): Promise<void> {
  const ran = await run(command, args, { cwd, millis: UNPACK_MILLIS })
  if (ran.code !== 0)
    throw new RunError(
      `${command} failed: ${lastLine(ran)}`,
      ran.code === 127 ? `install ${command}; Debian has it.` : 'check the space on the disk of your cache.',
    )
}

/**
 * An image unpacks itself when it is booted, which takes longer under emulation than all that the kernel does after that.
 * Here it is done once. Where the payload is: Documentation/arch/x86/boot.rst of the kernel's sources.
 */
async function unpackImage(image: string, into: string): Promise<void> {
  const bytes = readFileSync(image)
  const setupSectors = bytes.readUInt8(0x1f1)
  const from = 512 * (setupSectors + 1) + bytes.readUInt32LE(0x248)
  // Its last four bytes are the length of what it becomes.
  const payload = bytes.subarray(from, from + bytes.readUInt32LE(0x24c) - 4)
  const packed = `${into}.${payload.readUInt8(0) === 0x28 ? 'zst' : 'xz'}`
  writeFileSync(packed, payload)
  const unpacked = await run(packed.endsWith('.xz') ? 'xz' : 'zstd', ['-d', packed], {
    millis: UNPACK_MILLIS,
  })
  // Without the program, or packed in another way: the machine does it itself.
  if (unpacked.code !== 0) copyFileSync(image, into)
  rmSync(packed, { force: true })
}

interface KernelModule {
  readonly name: string
  readonly bytes: Buffer
}

/** {@link MODULES} and what they depend on, each after what it depends on; what is built in has no file. */
async function orderedModules(folder: string, draft: string): Promise<KernelModule[]> {
  const files = new Map<string, string>()
  for (const each of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const name = /^(.+)\.ko(\.xz)?$/.exec(basename(each))?.[1]
    if (name !== undefined) files.set(canonical(name), join(folder, each))
  }
  const ordered = new Map<string, KernelModule>()
  const add = async (name: string): Promise<void> => {
    const path = files.get(name)
    if (ordered.has(name) || path === undefined) return
    const bytes = await moduleBytes(path, draft)
    for (const each of dependencies(bytes)) await add(canonical(each))
    ordered.set(name, { name, bytes })
  }
  for (const each of MODULES) await add(canonical(each))
  return [...ordered.values()]
}

/** Names of modules and of their files differ in this only. */
const canonical = (name: string): string => name.replaceAll('-', '_')

async function moduleBytes(path: string, draft: string): Promise<Buffer> {
  if (!path.endsWith('.xz')) return readFileSync(path)
  await demand('xz', ['-dk', path], draft)
  return readFileSync(path.slice(0, -'.xz'.length))
}

/** Of the section `.modinfo`: strings `tag=value`, each ended by a zero. */
function dependencies(module: Buffer): string[] {
  const tag = '\0depends='
  const at = module.indexOf(tag)
  if (at < 0) return []
  const from = at + tag.length
  return module
    .toString('latin1', from, module.indexOf(0, from))
    .split(',')
    .filter((each) => each !== '')
}

function buildInitramfs(folder: string, path: string): void {
  const folders = ['bin', 'dev', 'proc', 'sys', 'host', 'share', 'ram', 'new', 'modules']
  // Their names begin with their places in the order.
  const modules = readdirSync(join(folder, 'modules')).sort()
  const archive = cpioArchive([
    ...folders.map((path): CpioEntry => ({ path, mode: FOLDER_MODE })),
    { path: 'dev/console', mode: CHARACTER_DEVICE_MODE, device: [5, 1] },
    { path: 'init', mode: PROGRAM_MODE, bytes: Buffer.from(INIT) },
    { path: 'bin/busybox', mode: PROGRAM_MODE, bytes: readFileSync(join(folder, 'busybox')) },
    ...modules.map((name): CpioEntry => {
      const bytes = readFileSync(join(folder, 'modules', name))
      return { path: `modules/${name}`, mode: FILE_MODE, bytes }
    }),
  ])
  const draft = `${path}.${String(process.pid)}`
  writeFileSync(draft, archive)
  renameSync(draft, path)
}
