/**
 * Packages of the system that a testbed needs. They are installed with apt-get where that is possible without asking
 * for a password, otherwise they are named. `scripts/bootstrap.mjs` does the same for what the checkout itself needs,
 * before anything here is compiled.
 */
import { existsSync, readdirSync } from 'node:fs'
import { RunError } from '../errors.js'
import { type Ran, run, whereIs } from './processes.js'

interface SystemPackage {
  readonly name: string
  readonly why: string
  readonly isThere: () => boolean
}

const NEEDED: readonly SystemPackage[] = [
  {
    name: 'qemu-system-x86',
    why: 'emulates the machines',
    isThere: () => whereIs('qemu-system-x86_64') !== undefined,
  },
  {
    name: 'iproute2',
    why: 'sets up soft-RoCE inside of them',
    isThere: () => ['ip', 'rdma', 'tc'].every((command) => whereIs(command) !== undefined),
  },
  { name: 'libibverbs1', why: 'gives access to RDMA devices', isThere: () => hasLibrary('libibverbs.so.1') },
  {
    name: 'ibverbs-providers',
    why: 'knows soft-RoCE devices',
    isThere: () => existsSync('/etc/libibverbs.d/rxe.driver'),
  },
]

const INSTALL_MILLIS = 600_000

const hasLibrary = (file: string): boolean =>
  ['/usr/lib/x86_64-linux-gnu', '/usr/lib64', '/usr/lib', '/lib/x86_64-linux-gnu'].some(
    (folder) => existsSync(folder) && readdirSync(folder).includes(file),
  )

/** Installs `ib_write_lat` and its like where they are missing. Throws {@link RunError} when it may not. */
export const demandPerftest = (tell: (line: string) => void): Promise<void> =>
  demandPackages(tell, [
    {
      name: 'perftest',
      why: 'measures RDMA devices',
      isThere: () => whereIs('ib_write_lat') !== undefined,
    },
  ])

/** Installs what is missing. Throws {@link RunError} with the command that does it when it may not. */
export async function demandPackages(
  tell: (line: string) => void,
  needed: readonly SystemPackage[] = NEEDED,
): Promise<void> {
  const missing = needed.filter((each) => !each.isThere())
  if (missing.length === 0) return
  const names = missing.map(({ name }) => name)
  const reasons = missing.map(({ name, why }) => `${name} (${why})`).join(', ')
  const byHand = `sudo apt-get update && sudo apt-get install -y --no-install-recommends ${names.join(' ')}`
  if (!(await mayInstall())) throw new RunError(`missing on this machine: ${reasons}`, `run: ${byHand}`)
  tell(`installing ${names.join(', ')}`)
  const updated = await aptGet('update')
  const installed = await aptGet('install', '-y', '--no-install-recommends', ...names)
  const still = needed.filter((each) => !each.isThere())
  if (installed.code === 0 && still.length === 0) return
  throw new RunError(
    `${still.map(({ name }) => name).join(', ')} could not be installed: ${lastLine(updated.code === 0 ? installed : updated)}`,
    `run it by hand to see more: ${byHand}`,
  )
}

export const lastLine = ({ output }: Ran): string => output.trim().split('\n').at(-1) ?? ''

/** Root, or sudo that asks for no password. */
export async function mayInstall(): Promise<boolean> {
  if (whereIs('apt-get') === undefined) return false
  return (
    isRoot() ||
    (whereIs('sudo') !== undefined && (await run('sudo', ['-n', 'true'], { millis: 10_000 })).code === 0)
  )
}

const isRoot = (): boolean => process.getuid?.() === 0

/** Waits for others that install something; needs {@link mayInstall}. */
export function aptGet(...args: readonly string[]): Promise<Ran> {
  const command = [
    'env',
    'DEBIAN_FRONTEND=noninteractive',
    'apt-get',
    '-q',
    '-o',
    'DPkg::Lock::Timeout=300',
    ...args,
  ]
  if (!isRoot()) command.unshift('sudo', '-n')
  return run(command[0]!, command.slice(1), { millis: INSTALL_MILLIS })
}
