/**
 * A cluster of processes on this machine: writes its configuration, starts its members, and starts again who dies.
 * Everything stays on loopback.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'smol-toml'
import { type Cluster, readCluster } from './cluster.js'
import { RunError } from './errors.js'
import { freePorts } from './free-ports.js'
import { demandNative } from './native-there.js'
import type { CoreReport } from './order.js'
import { askMember } from './peers.js'
import type { MemberStatus } from './status.js'

/** What a member tells the process that has started it. */
export type MemberReport =
  | { readonly kind: 'state'; readonly state: string; readonly reason: string | undefined }
  | { readonly kind: 'gateway'; readonly port: number }
  | { readonly kind: 'core'; readonly report: CoreReport }

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
  /** Where configuration and what must outlive the processes are. */
  readonly folder: string
  /** Starts the command line of this program with these arguments. */
  readonly command: readonly string[]
  readonly restarts: boolean
  /** Binds each member to one processor, in turn. */
  readonly pins?: boolean | undefined
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
  readonly path: string
  readonly #options: LocalOptions
  readonly #children: (ChildProcess | undefined)[]
  readonly #held = new Set<number>()
  #isStopping = false

  private constructor(options: LocalOptions, path: string) {
    this.#options = options
    this.path = path
    this.cluster = readCluster(path)
    this.#children = this.cluster.members.map(() => undefined)
  }

  /** Writes the configuration and starts every member. */
  static async start(options: LocalOptions): Promise<LocalCluster> {
    demandNative()
    const path = await configure(options)
    const local = new LocalCluster(options, path)
    for (let member = 0; member < options.nodes; member++) local.spawn(member)
    return local
  }

  pid(member: number): number | undefined {
    return this.#children[member]?.pid
  }

  /** Sends a signal to a member's process. With `hold` it is not started again before {@link spawn}. */
  signal(member: number, signal: NodeJS.Signals, hold = false): boolean {
    if (hold) this.#held.add(member)
    return this.#children[member]?.kill(signal) ?? false
  }

  /** Asks a member's core for its bytes, or for anything else. */
  tell(member: number, command: unknown): void {
    this.#children[member]?.send(command as object, () => undefined)
  }

  spawn(member: number): void {
    const { command, reported, logged, pins, recordFolder } = this.#options
    this.#held.delete(member)
    const processor = String(member % availableParallelism())
    const [program, ...args] = pins === true ? ['taskset', '-c', processor, ...command] : command
    const child = spawn(
      program!,
      [
        ...args,
        ...['--cluster', this.path, '--id', String(member), '--log', 'json'],
        ...(recordFolder === undefined ? [] : ['--record', recordFolder]),
      ],
      {
        stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
        serialization: 'advanced',
      },
    )
    this.#children[member] = child
    let rest = ''
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      const lines = `${rest}${text}`.split('\n')
      rest = lines.pop()!
      for (const line of lines) logged?.(member, line)
    })
    child.on('message', (report: MemberReport) => reported?.(member, report))
    child.on('error', (error) => this.#options.died?.(member, error.message))
    child.on('exit', (code, signal) => {
      if (this.#children[member] === child) this.#children[member] = undefined
      if (this.#isStopping) return
      this.#options.died?.(member, signal ?? `exit code ${String(code)}`)
      if (this.#options.restarts && code !== 2)
        setTimeout(() => {
          const isDown = this.#children[member] === undefined && !this.#held.has(member)
          if (isDown && !this.#isStopping) this.spawn(member)
        }, RESTART_MILLIS)
    })
  }

  async status(member: number): Promise<MemberStatus> {
    return (await askMember(this.cluster, member, { kind: 'status' })) as MemberStatus
  }

  /** Waits until `isThere` of all that answer; throws {@link RunError} after so many milliseconds. */
  async until(
    isThere: (statuses: readonly (MemberStatus | undefined)[]) => boolean,
    millis: number,
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
      this.#children.map(async (child) => {
        if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
        const exited = new Promise((resolve) => child.once('exit', resolve))
        // A stopped process does not hear SIGTERM before it goes on.
        child.kill('SIGCONT')
        child.kill('SIGTERM')
        const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MILLIS)
        await exited
        clearTimeout(timer)
      }),
    )
  }

  /** Forgets everything that the members kept. */
  remove(): void {
    rmSync(this.#options.folder, { recursive: true, force: true })
  }
}

async function configure(options: LocalOptions): Promise<string> {
  const { folder, nodes, clientPort } = options
  mkdirSync(folder, { recursive: true })
  const ports = await freePorts(clientPort === 0 ? 2 * nodes : nodes)
  const config = {
    name: options.name,
    system: options.system,
    secret: randomBytes(24).toString('hex'),
    seed: options.seed,
    ...(options.fabric === undefined ? {} : { fabric: options.fabric }),
    ...(options.spinMicros === undefined ? {} : { spin_micros: options.spinMicros }),
    parameters: options.parameters,
    member: Array.from({ length: nodes }, (_, member) => ({
      control: `127.0.0.1:${String(ports[member])}`,
      folder: `member-${String(member)}`,
      ...(clientPort === undefined
        ? {}
        : { clients: `127.0.0.1:${String(clientPort === 0 ? ports[nodes + member] : clientPort + member)}` }),
    })),
  }
  const path = join(folder, 'cluster.toml')
  // The secret is for nobody else's eyes.
  writeFileSync(path, `${stringify(config)}\n`, { mode: 0o600 })
  return path
}
