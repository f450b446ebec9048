/**
 * A cluster of processes on this machine: writes its configuration, starts its members, and starts again who dies.
 * Everything stays on loopback.
 */
import { randomBytes } from 'node:crypto'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'smol-toml'
import { type Cluster, readCluster } from './cluster.js'
import { RunError } from './errors.js'
import {
  type MemberAddress,
  type MemberProcess,
  type MemberReport,
  type Place,
  thisMachine,
} from './member-process.js'
import { demandNative } from './native-there.js'
import { askMember } from './peers.js'
import type { MemberStatus } from './status.js'

export interface LocalOptions {
  readonly name: string
  /** As a member must be told. */
  readonly system: string
  readonly nodes: number
  readonly parameters: Readonly<Record<string, number>>
  readonly seed: number
  /** Port of the first member's gateway; the others follow. Undefined: none. 0: any that are free. */
  readonly clientPort: number | undefined
  readonly spinMicros: number | undefined
  /** Default: shared memory. */
  readonly fabric?: 'shm' | 'verbs' | undefined
  /** Over verbs: microseconds that a request waits for an answer; default: of the native layer. */
  readonly retryMicros?: number | undefined
  /** Where configuration and what must outlive the processes are. */
  readonly folder: string
  /** Starts the command line of this program with these arguments. */
  readonly command: readonly string[]
  readonly restarts: boolean
  /** Default: this machine. */
  readonly place?: Place | undefined
  /** Where every member's recording goes; undefined: none is made. */
  readonly recordFolder?: string | undefined
  readonly reported?: (member: number, report: MemberReport) => void
  /** A line of a member's log. */
  readonly logged?: (member: number, line: string) => void
  readonly died?: (member: number, how: string) => void
}

/** Before a member that has died is started again. */
const RESTART_MILLIS = 50
const STOP_MILLIS = 5000

export class LocalCluster {
  readonly cluster: Cluster
  /** Of the configuration, with the addresses at which members are reached from here. */
  readonly path: string
  readonly #options: LocalOptions
  readonly #place: Place
  /** The configuration as members are told. */
  readonly #insidePath: string
  readonly #children: (MemberProcess | undefined)[]
  readonly #ends: (Promise<void> | undefined)[] = []
  readonly #held = new Set<number>()
  #isStopping = false

  private constructor(options: LocalOptions, place: Place, { path, insidePath }: Configured) {
    this.#options = options
    this.#place = place
    this.path = path
    this.#insidePath = insidePath
    this.cluster = readCluster(path)
    this.#children = this.cluster.members.map(() => undefined)
  }

  /** Writes the configuration and starts every member. */
  static async start(options: LocalOptions): Promise<LocalCluster> {
    demandNative()
    const place = options.place ?? thisMachine(false)
    const local = new LocalCluster(options, place, await configure(options, place))
    for (let member = 0; member < options.nodes; member++) local.spawn(member)
    return local
  }

  pid(member: number): number | undefined {
    return this.#children[member]?.pid
  }

  /** Sends a signal to a member's process. With `hold` it is not started again before {@link spawn}. */
  signal(member: number, signal: NodeJS.Signals, hold = false): boolean {
    if (hold) this.#held.add(member)
    return this.#children[member]?.signal(signal) ?? false
  }

  /** Asks a member's core for its bytes, or for anything else. */
  tell(member: number, command: unknown): void {
    this.#children[member]?.tell(command)
  }

  spawn(member: number): void {
    const { command, reported, logged, died, recordFolder } = this.#options
    this.#held.delete(member)
    const argv = [
      ...command,
      ...['--cluster', this.#insidePath, '--id', String(member), '--log', 'json'],
      ...(recordFolder === undefined ? [] : ['--record', recordFolder]),
    ]
    this.#ends[member] = new Promise((resolve) => {
      const child = this.#place.start(member, argv, {
        reported: (report) => reported?.(member, report),
        logged: (line) => logged?.(member, line),
        ended: (how, mayReturn) => {
          if (this.#children[member] === child) this.#children[member] = undefined
          resolve()
          if (this.#isStopping) return
          died?.(member, how)
          if (this.#options.restarts && mayReturn) this.#startAgain(member)
        },
      })
      this.#children[member] = child
    })
  }

  #startAgain(member: number): void {
    setTimeout(() => {
      const isDown = this.#children[member] === undefined && !this.#held.has(member)
      if (isDown && !this.#isStopping) this.spawn(member)
    }, RESTART_MILLIS)
  }

  async status(member: number): Promise<MemberStatus> {
    return (await askMember(this.cluster, member, { kind: 'status' })) as MemberStatus
  }

  /**
   * Waits until `isThere` of all that answer; throws {@link RunError} after so many milliseconds, or when it takes longer
   * than all members need to run where they are.
   */
  async until(
    isThere: (statuses: readonly (MemberStatus | undefined)[]) => boolean,
    millis = this.#place.readyMillis,
  ): Promise<void> {
    for (const end = performance.now() + millis; performance.now() < end;) {
      const statuses = await Promise.all(
        this.cluster.members.map((_, member) => this.status(member).catch(() => undefined)),
      )
      if (isThere(statuses)) return
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    throw new RunError(
      `the cluster did not get so far within ${String(millis / 1000)} s`,
      'look at the logs of its members.',
    )
  }

  /** Ends every member, cleanly if they can. */
  async stop(): Promise<void> {
    this.#isStopping = true
    await Promise.all(
      this.#children.map(async (child, member) => {
        if (child === undefined) return
        // A stopped process does not hear SIGTERM before it goes on.
        child.signal('SIGCONT')
        child.signal('SIGTERM')
        const timer = setTimeout(() => child.signal('SIGKILL'), STOP_MILLIS)
        await this.#ends[member]
        clearTimeout(timer)
      }),
    )
  }

  /** Forgets everything that the members kept. */
  remove(): void {
    rmSync(this.#options.folder, { recursive: true, force: true })
  }
}

interface Configured {
  readonly path: string
  readonly insidePath: string
}

async function configure(options: LocalOptions, place: Place): Promise<Configured> {
  const { folder, nodes, clientPort } = options
  const { inside, outside } = await place.addresses(nodes, clientPort)
  const config = {
    name: options.name,
    system: options.system,
    secret: randomBytes(24).toString('hex'),
    seed: options.seed,
    ...(options.fabric === undefined ? {} : { fabric: options.fabric }),
    ...(options.retryMicros === undefined ? {} : { verbs: { retry_micros: options.retryMicros } }),
    ...(options.spinMicros === undefined ? {} : { spin_micros: options.spinMicros }),
    parameters: options.parameters,
  }
  const write = (folder: string, addresses: readonly MemberAddress[]): string => {
    const member = addresses.map(({ control, clients }, index) => ({
      control,
      folder: `member-${String(index)}`,
      ...(clients === undefined ? {} : { clients }),
    }))
    mkdirSync(folder, { recursive: true })
    const path = join(folder, 'cluster.toml')
    // The secret is for nobody else's eyes.
    writeFileSync(path, `${stringify({ ...config, member })}\n`, { mode: 0o600 })
    return path
  }
  const path = write(folder, outside)
  return { path, insidePath: place.folder === undefined ? path : write(place.folder, inside) }
}
