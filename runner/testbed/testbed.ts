/**
 * Virtual machines with soft-RoCE on one private network. A testbed that was booted here ends with this process, unless it
 * is told to stay.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { RunError } from '../errors.js'
import { chooseAccelerator } from './accelerator.js'
import { Connection, type MachineProcess } from './connection.js'
import type { ProgramEnd, SpawnOrder } from './frames.js'
import { type KeeperOrder, type KeeperRequest, type TestbedStatus, orderPath } from './keeper-protocol.js'
import { cacheFolder, demandKernel } from './kernel.js'
import { demandPackages } from './packages.js'
import {
  claim,
  consoleLog,
  controlSocket,
  isUp,
  keeperLog,
  removeStale,
  shareFolder,
  testbedFolder,
  upNames,
} from './state.js'

export interface TestbedOptions {
  readonly name: string
  readonly nodes: number
  readonly memoryMiB: number
  readonly processors: number
  /** Whether its time is counted in instructions; then it is emulated and has one processor. */
  readonly isCounted?: boolean | undefined
}

export const USUAL_NAME = 'default'
export const USUAL_MEMORY_MIB = 768

/** For the keeper's socket, and for all machines. A machine boots in seconds, on a host that does much else in a minute. */
const OPEN_MILLIS = 20_000
const BOOT_MILLIS = 180_000
const LOOK_MILLIS = 50

export class Testbed {
  readonly folder: string
  readonly #connection: Connection
  readonly #keeper: ChildProcess | undefined

  private constructor(folder: string, connection: Connection, keeper?: ChildProcess) {
    this.folder = folder
    this.#connection = connection
    this.#keeper = keeper
  }

  /**
   * Boots the machines and waits until all are ready. Installs and downloads what is missing.
   * @param tell what goes on, for people; called again and again
   * @throws {@link RunError} when something is missing, the name is taken, or a machine does not come up
   */
  static async up(options: TestbedOptions, tell: (line: string) => void): Promise<Testbed> {
    if (process.platform !== 'linux' || process.arch !== 'x64')
      throw new RunError(
        `the testbed runs on Linux on x86-64, not on ${process.platform} on ${process.arch}`,
        'use --local there.',
      )
    const { isCounted = false } = options
    if (isCounted && options.processors !== 1)
      throw new RunError(
        `a machine whose time is counted has one processor, not ${String(options.processors)}`,
        'leave --processors out, or --counted.',
      )
    removeStale()
    await demandPackages(tell)
    const kernel = await demandKernel(tell)
    const accelerator = isCounted ? 'tcg' : await chooseAccelerator(kernel, tell)
    const folder = claim(options.name)
    const [first, second, ...rest] = randomBytes(10)
    const order: KeeperOrder = {
      ...{ ...options, isCounted, kernel, accelerator },
      network: {
        // Of the block for private use; drawn, so that testbeds beside each other do not meet.
        group: `239.${[first!, second!, rest[0]!].join('.')}`,
        port: 20_000 + (rest.slice(1, 3).reduce((sum, byte) => 256 * sum + byte, 0) % 40_000),
        prefix: ['52', '54', ...rest.slice(3, 6).map((byte) => byte.toString(16).padStart(2, '0'))].join(':'),
      },
    }
    writeFileSync(orderPath(folder), JSON.stringify(order))
    const log = openSync(keeperLog(folder), 'a')
    const path = fileURLToPath(new URL('keeper-process.js', import.meta.url))
    // A session of its own: Ctrl-C is for the command.
    const keeper = spawn(process.execPath, [path, folder], { stdio: ['pipe', 'ignore', log], detached: true })
    closeSync(log)
    keeper.stdin!.on('error', () => undefined)
    try {
      const connection = await opened(folder, keeper)
      const testbed = new Testbed(folder, connection, keeper)
      await testbed.ready(tell)
      return testbed
    } catch (error) {
      const kept = keepLogs(folder, options.nodes)
      const isHere = keeper.exitCode === null && keeper.signalCode === null
      const gone = new Promise((resolve) => keeper.once('exit', resolve))
      keeper.stdin!.end()
      if (isHere) await gone
      throw error instanceof RunError
        ? new RunError(error.message, `${error.mend} Its logs are in ${kept}.`)
        : error
    }
  }

  /** Throws {@link RunError} when there is no testbed of this name. */
  static async attach(name: string): Promise<Testbed> {
    const folder = testbedFolder(name)
    removeStale()
    const others = upNames().filter((each) => each !== name)
    const mend =
      others.length === 0 ? '`aviary testbed up` boots one.' : `give --name: up are ${others.join(', ')}.`
    if (!isUp(folder)) throw new RunError(`no testbed ${name} is up`, mend)
    return new Testbed(folder, await Connection.open(controlSocket(folder)))
  }

  /** The folder that all machines may write, at the same path inside and outside. */
  get share(): string {
    return shareFolder(this.folder)
  }

  ask(request: KeeperRequest): Promise<TestbedStatus> {
    return this.#connection.ask(request)
  }

  status(): Promise<TestbedStatus> {
    return this.ask({ op: 'status' })
  }

  /** Waits until no machine boots. Throws {@link RunError} when one that is not down does not get ready. */
  async ready(tell: (line: string) => void = () => undefined): Promise<TestbedStatus> {
    for (const late = performance.now() + BOOT_MILLIS; ;) {
      const status = await this.status()
      const dead = status.machines.find(({ reason }) => reason !== undefined)
      if (dead !== undefined)
        throw new RunError(
          `machine ${String(dead.machine)} does not come up: ${dead.reason!}`,
          'docs/testbed.md names what may be wrong.',
        )
      const booting = status.machines.filter(({ state }) => state === 'booting').length
      if (booting === 0) return status
      if (performance.now() > late)
        throw new RunError(
          `${String(booting)} of ${String(status.machines.length)} machines are not ready after ${String(BOOT_MILLIS / 1000)} s`,
          'end what else this computer does, or boot fewer.',
        )
      tell(
        `${String(status.machines.length - booting)} of ${String(status.machines.length)} machines are ready`,
      )
      await new Promise((resolve) => setTimeout(resolve, LOOK_MILLIS))
    }
  }

  spawn(machine: number, order: SpawnOrder): MachineProcess {
    return this.#connection.spawn({ ...order, machine })
  }

  /** Runs a program to its end. */
  async exec(
    machine: number,
    argv: readonly string[],
    order: Omit<SpawnOrder, 'argv'> = {},
  ): Promise<ProgramEnd & { readonly stdout: string; readonly stderr: string }> {
    const child = this.spawn(machine, { ...order, argv })
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
    child.stdin.end()
    const ended = await child.end()
    return { ...ended, stdout, stderr }
  }

  /** A connection to what listens inside of a machine. */
  dial(machine: number, host: string, port: number): ReturnType<Connection['dial']> {
    return this.#connection.dial(machine, host, port)
  }

  /** Lets the machines go on when this process has ended. */
  async stay(): Promise<void> {
    await new Promise((resolve) => this.#keeper?.stdin!.end('stay', resolve as () => void))
    this.#keeper?.unref()
  }

  /** Ends the machines and removes all that was theirs. */
  async down(): Promise<void> {
    await this.ask({ op: 'down' })
    for (const late = performance.now() + OPEN_MILLIS; existsSync(this.folder);) {
      if (performance.now() > late)
        throw new RunError(
          `${this.folder} is still there`,
          'look at the processes that are named in its state.json.',
        )
      await new Promise((resolve) => setTimeout(resolve, LOOK_MILLIS))
    }
    this.close()
  }

  /** Leaves; a testbed that was booted here and may not stay goes down. */
  close(): void {
    this.#connection.close()
    if (this.#keeper?.stdin?.writable === true) this.#keeper.stdin.end()
  }
}

async function opened(folder: string, keeper: ChildProcess): Promise<Connection> {
  for (const late = performance.now() + OPEN_MILLIS; ;) {
    try {
      return await Connection.open(controlSocket(folder))
    } catch {
      if (keeper.exitCode !== null || keeper.signalCode !== null || performance.now() > late) {
        const said = existsSync(keeperLog(folder)) ? readFileSync(keeperLog(folder), 'utf8').trim() : ''
        rmSync(folder, { recursive: true, force: true })
        throw new RunError(
          `the keeper of the testbed does not answer: ${said.split('\n').at(-1) ?? ''}`,
          'check the space in the folder for temporary files.',
        )
      }
      await new Promise((resolve) => setTimeout(resolve, LOOK_MILLIS))
    }
  }
}

/** What machines and keeper said before a testbed failed to come up; only of the last time. */
function keepLogs(folder: string, nodes: number): string {
  const kept = join(cacheFolder(), 'failed')
  rmSync(kept, { recursive: true, force: true })
  mkdirSync(kept, { recursive: true })
  const machines = Array.from({ length: nodes }, (_, machine) => consoleLog(folder, machine))
  for (const path of [keeperLog(folder), ...machines])
    if (existsSync(path)) copyFileSync(path, join(kept, basename(path)))
  return kept
}
