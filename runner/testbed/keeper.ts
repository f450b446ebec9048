/**
 * The process that keeps a testbed: it starts the machines, is connected to their agents, and does what commands ask of
 * it at a Unix socket in the testbed's folder.
 *
 * Contract. The machines end with this process, however it ends: each is started with a parent-death signal. This process
 * ends when its standard input ends before it was told on it that it may stay (`stay`), on `down`, and on SIGTERM.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type Server, type Socket, createServer } from 'node:net'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { RunError } from '../errors.js'
import type { AgentSettings } from './agent.js'
import { type ProgramEnd, type Hello, Kind, type SpawnOrder, frame, frameReader, jsonOf } from './frames.js'
import type { KeeperOrder, KeeperRequest, MachineState, Routed, TestbedStatus } from './keeper-protocol.js'
import { Links } from './links.js'
import { PREFIX_LENGTH, QEMU, addressOf, hardwareAddress, machineArguments } from './machine.js'
import { processName } from './processes.js'
import { agentSocket, consoleLog, controlSocket, shareFolder, writeState } from './state.js'

/** Bytes that may wait for somebody who does not read; more, and the connection ends. */
const BACKLOG_BYTES = 64 * 2 ** 20

interface Machine {
  readonly index: number
  process: ChildProcess | undefined
  agent: Socket | undefined
  isReady: boolean
  isPaused: boolean
  begunMillis: number
  bootSeconds: number | undefined
  reason: string | undefined
  nextStream: number
  /** Who is told what comes from the agent on a stream. */
  readonly streams: Map<number, (kind: Kind, payload: Buffer) => void>
}

export class Keeper {
  readonly #folder: string
  readonly #order: KeeperOrder
  readonly #machines: readonly Machine[]
  readonly #links: Links
  readonly #servers: Server[] = []
  #isEnding = false

  constructor(folder: string, order: KeeperOrder) {
    this.#folder = folder
    this.#order = order
    this.#machines = Array.from({ length: order.nodes }, (_, index) => ({
      index,
      process: undefined,
      agent: undefined,
      isReady: false,
      isPaused: false,
      begunMillis: 0,
      bootSeconds: undefined,
      reason: undefined,
      nextStream: 1,
      streams: new Map<number, (kind: Kind, payload: Buffer) => void>(),
    }))
    this.#links = new Links(order.network, (machine, argv) => this.#ran(machine, argv))
  }

  async open(): Promise<void> {
    for (const { index } of this.#machines) {
      await this.#listen(agentSocket(this.#folder, index), (socket) => {
        this.#agentCame(this.#machines[index]!, socket)
      })
      this.#start(this.#machines[index]!)
    }
    await this.#listen(controlSocket(this.#folder), (socket) => {
      this.#clientCame(socket)
    })
  }

  /** Ends the machines and removes the testbed. */
  async close(): Promise<void> {
    if (this.#isEnding) return
    this.#isEnding = true
    await Promise.all(this.#machines.map((machine) => this.#kill(machine)))
    for (const server of this.#servers) server.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #listen(path: string, came: (socket: Socket) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      const server = createServer(came)
      this.#servers.push(server)
      server.once('error', reject)
      server.listen(path, resolve)
    })
  }

  // ---- machines

  #start(machine: Machine): void {
    const { index } = machine
    const { kernel, accelerator, memoryMiB, processors, isCounted, network, nodes } = this.#order
    const share = shareFolder(this.#folder)
    this.#writeSettings(index, nodes, share)
    const args = machineArguments({
      machine: index,
      ...{ kernel, accelerator, memoryMiB, processors, isCounted, network, share },
      agentSocket: agentSocket(this.#folder, index),
      log: consoleLog(this.#folder, index),
    })
    machine.begunMillis = performance.now()
    machine.bootSeconds = undefined
    machine.reason = undefined
    const child = spawn('setpriv', ['--pdeathsig', 'KILL', QEMU, ...args], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    machine.process = child
    let said = ''
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said = `${said}${text}`.slice(-4096)
      process.stderr.write(`machine ${String(index)}: ${text}`)
    })
    child.on('error', (error) => {
      machine.reason = error.message
    })
    child.on('close', (code, signal) => {
      if (machine.process !== child) return
      const wasReady = machine.isReady
      machine.process = undefined
      machine.agent?.destroy()
      machine.agent = undefined
      machine.isReady = false
      machine.isPaused = false
      if (signal !== 'SIGKILL')
        machine.reason ??=
          said.trim() === '' ? endReason(consoleLog(this.#folder, index), code, wasReady) : said.trim()
      this.#forgetStreams(machine)
      this.#saveState()
    })
    this.#saveState()
  }

  /** For the first script, and for the agent. */
  #writeSettings(index: number, nodes: number, share: string): void {
    const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`
    const settingsPath = join(share, `.agent-${String(index)}.json`)
    const agentPath = join(dirname(fileURLToPath(import.meta.url)), 'agent.js')
    const others = Array.from({ length: nodes }, (_, other) => other).filter((other) => other !== index)
    const settings: AgentSettings = {
      address: addressOf(index),
      prefixLength: PREFIX_LENGTH,
      peers: others.map((other) => [addressOf(other), hardwareAddress(this.#order.network, other)]),
    }
    writeFileSync(settingsPath, JSON.stringify(settings))
    const variables = { share, node: process.execPath, agent: agentPath, settings: settingsPath }
    const lines = Object.entries(variables).map(([name, value]) => `${name}=${quoted(value)}\n`)
    writeFileSync(join(share, `.machine-${String(index)}`), lines.join(''))
  }

  #saveState(): void {
    if (this.#isEnding) return
    const machines = this.#machines.flatMap(({ process: child }) =>
      child?.pid === undefined ? [] : [processName(child.pid)].filter((name) => name !== undefined),
    )
    writeState(this.#folder, { owner: processName(process.pid)!, machines })
  }

  async #kill(machine: Machine): Promise<void> {
    const child = machine.process
    if (child === undefined) return
    const gone = new Promise((resolve) => child.once('close', resolve))
    child.kill('SIGKILL')
    await gone
  }

  #forgetStreams(machine: Machine): void {
    const ended: ProgramEnd = { code: null, signal: null, error: 'the machine has gone down' }
    const told = [...machine.streams.values()]
    machine.streams.clear()
    for (const tell of told) tell(Kind.exit, Buffer.from(JSON.stringify(ended)))
  }

  #agentCame(machine: Machine, socket: Socket): void {
    machine.agent = socket
    const read = frameReader((stream, kind, payload) => {
      if (kind === Kind.hello) this.#hello(machine, jsonOf(payload) as Hello)
      const tell = machine.streams.get(stream)
      if (kind === Kind.exit) machine.streams.delete(stream)
      tell?.(kind, payload)
    })
    socket.on('data', read)
    socket.on('error', () => undefined)
  }

  #hello(machine: Machine, { error }: Hello): void {
    if (error !== undefined) {
      machine.reason = error
      machine.process?.kill('SIGTERM')
      return
    }
    machine.isReady = true
    machine.bootSeconds = (performance.now() - machine.begunMillis) / 1000
    void this.#links.restore(machine.index).catch((reason: unknown) => {
      process.stderr.write(`machine ${String(machine.index)}: ${(reason as Error).message}\n`)
    })
  }

  /** Opens a stream to the agent. Returns what sends on it. */
  #open(
    machine: Machine,
    kind: Kind,
    order: unknown,
    tell: (kind: Kind, payload: Buffer) => void,
  ): (kind: Kind, payload: Uint8Array | string) => void {
    const { agent } = machine
    if (agent === undefined || !machine.isReady)
      throw new RunError(
        `machine ${String(machine.index)} is ${stateOf(machine)}`,
        machine.process === undefined
          ? `\`aviary testbed start ${String(machine.index)}\` boots it.`
          : 'wait until it is ready.',
      )
    const stream = machine.nextStream++
    machine.streams.set(stream, tell)
    const send = (kind: Kind, payload: Uint8Array | string): void => {
      if (agent.writableLength > BACKLOG_BYTES) agent.destroy()
      else agent.write(frame(stream, kind, payload))
    }
    send(kind, JSON.stringify(order))
    return send
  }

  /** Runs a program of the machine's own; throws with what it printed when it fails. */
  #ran(index: number, argv: readonly string[]): Promise<void> {
    return new Promise((resolve, reject) => {
      let said = ''
      const order: SpawnOrder = { argv }
      this.#open(this.#machines[index]!, Kind.spawn, order, (kind, payload) => {
        if (kind === Kind.error) said += payload.toString('utf8')
        if (kind !== Kind.exit) return
        const { code, error } = jsonOf(payload) as ProgramEnd
        if (code === 0) resolve()
        else reject(new RunError(`${argv.join(' ')}: ${error ?? said.trim()}`, 'see `aviary testbed logs`.'))
      })
    })
  }

  // ---- commands

  #clientCame(client: Socket): void {
    const routes = new Map<number, (kind: Kind, payload: Uint8Array | string) => void>()
    const send = (stream: number, kind: Kind, payload: Uint8Array | string): void => {
      if (client.destroyed) return
      if (client.writableLength > BACKLOG_BYTES) client.destroy()
      else client.write(frame(stream, kind, payload))
    }
    const route = (stream: number, kind: Kind, payload: Buffer): void => {
      if (kind !== Kind.spawn && kind !== Kind.dial) {
        // What is sent to a stream that has ended meanwhile is lost.
        routes.get(stream)?.(kind, payload)
        return
      }
      const order = jsonOf(payload) as Routed<unknown>
      const opened = this.#open(this.#machine(order.machine), kind, order, (answer, bytes) => {
        if (answer === Kind.exit) routes.delete(stream)
        send(stream, answer, bytes)
      })
      routes.set(stream, opened)
    }
    const read = frameReader((stream, kind, payload) => {
      const refuse = (error: unknown): void => {
        const { message } = error as Error
        const mend = error instanceof RunError ? error.mend : 'see `aviary testbed logs`.'
        send(stream, Kind.refusal, JSON.stringify({ message, mend }))
      }
      if (kind === Kind.request)
        this.#asked(jsonOf(payload) as KeeperRequest).then((answer) => {
          send(stream, Kind.reply, JSON.stringify(answer))
        }, refuse)
      else
        try {
          route(stream, kind, payload)
        } catch (error) {
          refuse(error)
        }
    })
    client.on('data', read)
    client.on('error', () => undefined)
    // Who has begun something in a machine and is gone wants nothing of it any more.
    client.on('close', () => {
      for (const toAgent of routes.values()) toAgent(Kind.signal, 'SIGKILL')
    })
  }

  #machine(index: number): Machine {
    const machine = this.#machines[index]
    if (machine === undefined)
      throw new RunError(
        `there is no machine ${String(index)}`,
        `name one from 0 to ${String(this.#machines.length - 1)}.`,
      )
    return machine
  }

  async #asked(request: KeeperRequest): Promise<unknown> {
    switch (request.op) {
      case 'status':
        break
      case 'down':
        // Answered first.
        setTimeout(() => void this.close().then(() => process.exit(0)), 0)
        break
      case 'start':
        this.#demandState(request.machine, request.op, ['down'])
        this.#start(this.#machine(request.machine))
        break
      case 'kill':
        this.#demandState(request.machine, request.op, ['ready', 'paused', 'booting'])
        await this.#kill(this.#machine(request.machine))
        break
      case 'pause':
      case 'resume': {
        const isPause = request.op === 'pause'
        this.#demandState(request.machine, request.op, isPause ? ['ready', 'booting'] : ['paused'])
        const machine = this.#machine(request.machine)
        machine.process!.kill(isPause ? 'SIGSTOP' : 'SIGCONT')
        machine.isPaused = isPause
        // Links are as `status` says before anybody relies on it.
        if (!isPause && machine.isReady) await this.#links.settle(machine.index)
        break
      }
      case 'cut':
        await this.#links.cut(this.#end(request.from), this.#end(request.to))
        break
      case 'heal':
        if (request.from === undefined || request.to === undefined) {
          const ends = this.#machines.map(({ index }) => this.#end(index))
          for (const [from, to] of this.#links.cuts()) await this.#links.heal(ends[from]!, ends[to]!)
        } else await this.#links.heal(this.#end(request.from), this.#end(request.to))
        break
    }
    return this.status()
  }

  #end(index: number): { readonly machine: number; readonly isAwake: boolean } {
    const machine = this.#machine(index)
    return { machine: index, isAwake: machine.isReady && !machine.isPaused }
  }

  #demandState(index: number, op: string, wanted: readonly MachineState[]): void {
    const state = stateOf(this.#machine(index))
    if (wanted.includes(state)) return
    throw new RunError(
      `${op} ${String(index)}: the machine is ${state}`,
      `it must be ${wanted.join(' or ')} for that.`,
    )
  }

  status(): TestbedStatus {
    const { name, accelerator, kernel } = this.#order
    return {
      ...{ name, folder: this.#folder, accelerator, kernel: kernel.release, pid: process.pid },
      machines: this.#machines.map((machine) => ({
        machine: machine.index,
        address: addressOf(machine.index),
        state: stateOf(machine),
        pid: machine.process?.pid,
        bootSeconds: machine.bootSeconds,
        reason: machine.reason,
      })),
      cuts: this.#links.cuts(),
    }
  }
}

const stateOf = ({ process: child, isPaused, isReady }: Machine): MachineState =>
  child === undefined ? 'down' : isPaused ? 'paused' : isReady ? 'ready' : 'booting'

/** What its console said last, where it ended before it was ready. */
function endReason(log: string, code: number | null, wasReady: boolean): string {
  const lines = readFileSync(log, 'utf8').trim().split('\n')
  const own = lines.findLast((line) => /^aviary: |Kernel panic/.test(line))
  return (
    own ??
    (wasReady
      ? `QEMU has ended with exit code ${String(code)}`
      : (lines.at(-1) ?? 'its console said nothing'))
  )
}
