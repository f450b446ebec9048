/**
 * A bench for worlds: a core whose inputs are the acts of a test, one host call or a few each, and which writes down what
 * it hears. A test does acts, steps sites by name and looks at bytes.
 */
import {
  type Context,
  type Control,
  type Core,
  type DiskModel,
  type FaultBudget,
  Flag,
  type Host,
  type Knobs,
  type MessageNetwork,
  type RdmaFabric,
  Right,
  type SystemModel,
  array,
  defineCore,
  faultKinds,
  remoteAddressOf,
  statusNames,
  struct,
  u32,
  u64,
} from '../../../protocol/index.js'
import { WorldObserver } from '../../../sim/world/observer.js'
import type { Outcome, Site } from '../../../sim/world/site.js'
import { World } from '../../../sim/world/world.js'

/** What an act does: `put` fills `output` with 8-byte words. */
export type Act = (host: Host, put: (...values: number[]) => void, state: StateView) => void

const linesMost = 24
const regionWords = 136
const memoryLayout = struct({ words: array(u64, regionWords) })
const windowLayout = struct({ words: array(u64, 2) })
const stateLayout = struct({
  lines: u32,
  log: array(u32, linesMost * 4),
  recovered: u32,
  windowSum: u64,
  done: array(u32, 4),
})
type StateView = ReturnType<typeof stateLayout.view>
/** Where an act sets 1 in `done` for the core to refuse messages, and 0 for it to take them. */
export const refusesAt = 3

export interface BenchOptions {
  readonly acts: Readonly<Record<string, Act>>
  readonly nodes?: number
  readonly knobs?: Partial<Knobs>
  readonly fabric?: Partial<RdmaFabric>
  readonly network?: Partial<MessageNetwork>
  readonly disk?: DiskModel
  /** WRITEs into the region are placed in any order. */
  readonly relaxed?: boolean
  readonly timers?: readonly string[]
  /** Watches the first two words of the region. */
  readonly polls?: boolean
  readonly budget?: FaultBudget
}

/** Symbolic address of word `i` of a node's only region. */
export const word = (i: number): number => remoteAddressOf(0, 8 * i)

/** Symbolic address of word `i` of a node's only memory window. */
export const windowWord = (i: number): number => remoteAddressOf(1, 8 * i)

const Line = {
  completion: 1,
  message: 2,
  stored: 3,
  observed: 4,
  poll: 5,
  timer: 6,
  recovered: 7,
  notified: 8,
} as const

function benchCore(options: BenchOptions): ReturnType<typeof defineCore> {
  const acts = Object.values(options.acts)
  return defineCore({
    state: stateLayout,
    regions: [{ name: 'memory', layout: memoryLayout, relaxedOrdering: options.relaxed }],
    memoryWindows: ['view'],
    windows: options.polls === true ? [{ name: 'head', layout: windowLayout }] : [],
    timers: options.timers ?? [],
    inputs: Object.keys(options.acts),
    scratchBytes: regionWords * 8,
    create({ host, state, input, output, window }: Context<typeof stateLayout>): Core {
      const view = options.polls === true ? window(0, windowLayout) : undefined
      const write = (...line: readonly number[]): void => {
        if (state.lines === linesMost) throw new RangeError('the bench hears too much')
        line.forEach((value, i) => {
          state.log.set(state.lines * 4 + i, value)
        })
        state.lines = state.lines + 1
      }
      const put = (...values: number[]): void => {
        values.forEach((value, i) => {
          output.setBigUint64(8 * i, BigInt(value), true)
        })
      }
      return {
        start(recovered, length) {
          if (options.polls === true) host.watch(0, 0, 0)
          if (!recovered) return
          state.recovered = length
          for (let at = 0; at < length; at += 4 + input.getUint32(at, true))
            write(Line.recovered, input.getUint32(at + 4, true))
        },
        poll() {
          const [first, second] = [view!.words.get(0), view!.words.get(1)]
          if (first * 1000 + second === state.windowSum) return
          state.windowSum = first * 1000 + second
          write(Line.poll, first, second)
        },
        observed(token, length) {
          write(Line.observed, token, input.getUint32(0, true), input.getUint32(length - 8, true))
        },
        timer(timer) {
          write(Line.timer, timer)
        },
        completion(queuePair, token, status) {
          write(Line.completion, queuePair, token, status)
        },
        message(from, length) {
          if (state.done.get(refusesAt) === 1) return host.refuse()
          write(Line.message, from, length, input.getUint32(0, true))
        },
        notified(from, immediate) {
          write(Line.notified, from, immediate)
        },
        stored(token, status) {
          write(Line.stored, token, status)
        },
        input(kind) {
          acts[kind]!(host, put, state)
        },
      }
    },
  })
}

/** Budget for any number of all faults. */
export const anyFaults: FaultBudget = Object.fromEntries(faultKinds.map((kind) => [kind, Infinity]))

export class Bench {
  readonly world: World
  readonly #observer: WorldObserver

  constructor(options: BenchOptions) {
    const core = benchCore(options)
    const model: SystemModel = {
      cores: Array.from({ length: options.nodes ?? 2 }, () => core),
      fabric: {
        pairsPerPeer: 1,
        sendQueueDepth: 4,
        requestBytes: regionWords * 8,
        receiveQueueDepth: 2,
        initialRights: Right.all,
        ...options.fabric,
      },
      network: options.network && {
        kind: 'unordered',
        messageBytes: 8,
        capacity: 4,
        lossy: true,
        describe: () => '',
        ...options.network,
      },
      disk: options.disk,
      atlas: { safety: {}, unavailable: 0, beyond: [] },
      spec: {
        invariants: [],
        stepInvariants: [],
        history: undefined,
        goal: { name: 'none', meaning: 'none', reached: () => true },
      },
      bounds: {},
    }
    this.world = new World(model, {
      knobs: { poll: 'atomic', placement: 'in-order', fetch: 'at-departure', ...options.knobs },
      budget: options.budget ?? anyFaults,
      selfTest: true,
    })
    this.#observer = new WorldObserver(this.world)
  }

  site(name: string): Site {
    const site = this.world.siteNamed(name)
    if (site === undefined) throw new RangeError(`there is no site '${name}'`)
    return site
  }
  /** How many choices a site offers. */
  offers(name: string): number {
    return this.world.armed[this.site(name).index]!
  }
  step(name: string, choice = 0): Outcome {
    const offered = this.offers(name)
    if (choice >= offered) throw new RangeError(`'${name}' offers ${String(offered)} choices`)
    return this.world.step(this.site(name).index, choice)
  }
  /** Steps one site until it offers nothing. */
  drain(name: string): number {
    let steps = 0
    for (; this.offers(name) > 0; steps++) this.step(name)
    return steps
  }
  /**
   * All that may arrive on a way arrives and is placed; how many pieces. Each packet is placed before the next
   * arrives. No answer lands, so what is fenced behind a READ or an atomic stays behind.
   */
  deliver(path: string): number {
    let placed = 0
    for (;;) {
      placed += this.drain(`place ${path}`)
      if (this.offers(`arrive ${path}`) === 0) return placed
      this.step(`arrive ${path}`)
    }
  }
  /** All that was posted on a way arrives and is placed, and answers land; how many pieces were placed. */
  send(path: string): number {
    let placed = this.deliver(path)
    while (this.drain(`answer ${path}`) > 0) placed += this.deliver(path)
    return placed
  }
  /** Control calls, `control n0→n1` or `protect n0`, take effect and return. */
  settle(...names: readonly string[]): this {
    for (const name of names)
      if (this.drain(name) !== 2) throw new RangeError(`nothing is under way at '${name}'`)
    return this
  }
  /** Node `node` does acts, one after the other. */
  act(node: number, ...acts: readonly string[]): this {
    for (const act of acts) this.step(`input n${String(node)} ${act}`)
    return this
  }
  words(node: number, first = 0, count = 3): number[] {
    const { words } = this.#observer.region(node, 0, memoryLayout)
    return Array.from({ length: count }, (_, i) => words.get(first + i))
  }
  set(node: number, first: number, ...values: readonly number[]): void {
    const { words } = this.#observer.region(node, 0, memoryLayout)
    values.forEach((value, i) => {
      words.set(first + i, value)
    })
  }
  /** What a node has heard, a line each. */
  heard(node: number): string[] {
    const { lines, log } = this.#observer.state(node, stateLayout)
    return Array.from({ length: lines }, (_, i) => {
      const [kind, a, b, c] = [0, 1, 2, 3].map((k) => log.get(i * 4 + k)) as [number, number, number, number]
      switch (kind) {
        case Line.completion:
          return `${String(a)}: ${String(b)} ${statusNames[c]!}`
        case Line.message:
          return `from ${String(a)}: ${String(c)}`
        case Line.stored:
          return `stored ${String(a)} ${statusNames[b]!}`
        case Line.observed:
          return `observed ${String(a)}: ${String(b)} ${String(c)}`
        case Line.poll:
          return `polled ${String(a)} ${String(b)}`
        case Line.timer:
          return `timer ${String(a)}`
        case Line.notified:
          return `notified by ${String(a)}: ${String(b)}`
        default:
          return `recovered ${String(a)}`
      }
    })
  }
}

// ---- acts that the tests of the fabric share; the token comes first

const { signaled, inline } = Flag
/** Node 0's only queue pair to node 1, and node 1's to node 0. */
export const toOne = 1
export const toZero = 0

/** An inline write of words to word `at` of the peer's region, then other bytes in output. */
export const writeInline =
  (token: number, values: readonly number[], flags: number = signaled, queuePair = toOne, at = 0): Act =>
  (host, put) => {
    put(...values)
    host.write(queuePair, word(at), 0, 8 * values.length, token, flags | inline)
    put(...values.map(() => 99))
  }
/** A write that the NIC fetches from the start of the own region. */
export const writeLate =
  (token: number, words: number): Act =>
  (host) => {
    host.write(toOne, word(0), word(0), 8 * words, token, signaled)
  }
export const read =
  (token: number, from: number, into: number, words = 1): Act =>
  (host) => {
    host.read(toOne, word(from), word(into), 8 * words, token)
  }
export const fetchAdd =
  (token: number, queuePair: number, addend = 1): Act =>
  (host) => {
    host.fetchAdd(queuePair, word(0), word(1), addend, token)
  }
export const send =
  (token: number): Act =>
  (host, put) => {
    put(token)
    host.post(toOne, 0, 8, token, signaled)
  }
export const control =
  (change: Control, argument: number, token: number, queuePair: number): Act =>
  (host) => {
    host.control(queuePair, change, argument, token)
  }
/** Words 1, 2, 3 … */
export const ascending = (words: number, first = 1): number[] =>
  Array.from({ length: words }, (_, i) => first + i)
