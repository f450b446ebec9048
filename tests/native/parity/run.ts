/**
 * Runs a litmus program on a fabric of the native layer, shared memory or verbs: the same cores as in the simulator, all nodes in this process, their steps and
 * turns in an order drawn from a seed, faults where the program has them or may have them.
 *
 * A run is over when nothing has changed for several retry times; its outcome is then read as the simulator's is.
 */
import type { LitmusProgram, FaultTarget } from '../../../model-check/litmus/program.js'
import { litmusSystem } from '../../../model-check/litmus/index.js'
import { type Outcome, privateValues } from '../../../model-check/litmus/values.js'
import { layoutOf } from '../../../model-check/litmus/core-shape.js'
import { wordText } from '../../../model-check/litmus/numbers.js'
import { type CoreDefinition, type RdmaFabric, Right } from '../../../protocol/index.js'
import { FabricNode, type Ground } from './fabric-node.js'

export const grounds = {
  shm: { fabric: 'shm', retryMicros: 1_000, calmTicks: 4, endedTicks: 4 },
  // Soft-RoCE looks for lost answers with the kernel's tick, so it cannot be had shorter; and a device has a clock of its
  // own, which may be late in a machine that is emulated.
  verbs: { fabric: 'verbs', retryMicros: 16_000, calmTicks: 20, endedTicks: 6 },
} as const satisfies Readonly<Record<string, Ground>>

/** A program that never comes to rest is cut off here. */
const longestMs = 30_000

type Status = 'up' | 'paused' | 'killed' | 'halted' | 'down'

interface Member {
  readonly definition: CoreDefinition
  node: FabricNode | undefined
  status: Status
  incarnation: number
}

let clusters = 0

export class ParityRun {
  readonly #program: LitmusProgram
  readonly #fabric: RdmaFabric
  readonly #cluster = `parity-${String(process.pid)}-${String(clusters++)}`
  readonly #members: Member[]
  readonly #cuts = new Set<string>()
  readonly #faultsLeft: { readonly target: FaultTarget; left: number }[]
  readonly #ground: Ground
  readonly #tickMs: number
  #random: number

  constructor(program: LitmusProgram, seed: number, ground: Ground) {
    this.#ground = ground
    this.#tickMs = (1.1 * ground.retryMicros) / 1000
    const model = litmusSystem(program).build({} as never)
    this.#program = program
    this.#random = (seed * 2654435761 + 12345) >>> 0
    this.#fabric = model.fabric ?? {
      pairsPerPeer: 1,
      sendQueueDepth: 1,
      requestBytes: 8,
      receiveQueueDepth: 0,
      initialRights: Right.all,
    }
    this.#faultsLeft = program.faults.map(({ target, most }) => ({ target, left: most }))
    this.#members = model.cores.map((definition) => ({
      definition,
      node: undefined,
      status: 'up',
      incarnation: 0,
    }))
  }

  run(): Outcome {
    try {
      this.#members.forEach((_, i) => {
        this.#open(i)
      })
      this.#connect()
      for (const { node } of this.#members) node!.start()
      this.#play()
      return this.#outcome()
    } finally {
      for (const { node } of this.#members) node?.native.close()
    }
  }

  // ---- life of the nodes

  #open(i: number): void {
    const member = this.#members[i]!
    const place = {
      cluster: this.#cluster,
      self: i,
      nodes: this.#members.length,
      fabric: this.#fabric,
      ground: this.#ground,
    }
    member.node = new FabricNode(member.definition, place, member.incarnation)
    member.status = 'up'
    this.#impairAll()
    this.#introduce(i)
  }

  /** Over verbs nodes do not find each other: what a runner would carry is carried here. */
  #introduce(i: number): void {
    const { node } = this.#members[i]!
    if (this.#ground.fabric === 'shm' || node === undefined) return
    this.#members.forEach((other, peer) => {
      if (peer === i || other.node === undefined) return
      node.native.meet(peer, other.node.native.addressFor(i))
      other.node.native.meet(i, node.native.addressFor(peer))
    })
    node.introduced = node.native.addressRevision()
  }

  #close(i: number): void {
    const member = this.#members[i]!
    member.node?.native.close()
    member.node = undefined
    member.status = 'down'
  }

  #connect(): void {
    const until = performance.now() + longestMs
    const up = this.#members.flatMap(({ node }, i) => (node === undefined ? [] : [[i, node] as const]))
    const isMet = (): boolean =>
      up.every(([i, node]) => up.every(([j]) => i === j || node.native.peerState(j) === 'connected'))
    while (!isMet()) {
      // Nothing is dispatched here: nobody has asked for anything yet.
      for (const [, node] of up) node.native.turn()
      if (performance.now() > until) throw new Error('the nodes do not meet')
    }
  }

  /** From 0 up to, not including, `end`. */
  #draw(end: number): number {
    this.#random = (Math.imul(this.#random, 1664525) + 1013904223) >>> 0
    return Math.floor((this.#random / 2 ** 32) * end)
  }

  #play(): void {
    const begun = performance.now()
    let seen = ''
    let calm = 0
    let ticked = begun
    const { calmTicks, endedTicks } = this.#ground
    while (calm < (this.#hasEnded() ? endedTicks : calmTicks) && ticked < begun + longestMs) {
      for (let k = 0; k < 8; k++) this.#act(this.#draw(this.#members.length))
      const now = performance.now()
      // However long this process was kept from running, it counts as one tick, in which everybody has a turn.
      if (now < ticked + this.#tickMs) continue
      ticked = now
      for (const { node, status } of this.#members) if (status === 'up') node!.turn()
      const bytes = this.#bytes()
      calm = bytes === seen ? calm + 1 : 0
      seen = bytes
    }
  }

  /** Whether every thread is at its end, so that nothing is waited for but what is under way in one direction. */
  #hasEnded(): boolean {
    return this.#program.nodes.every(
      ({ threads }, i) =>
        this.#members[i]!.status === 'up' && threads.every((_, thread) => this.#isAtEnd(i, thread)),
    )
  }

  #isAtEnd(i: number, thread: number): boolean {
    return this.#operations(i, thread)[this.#counter(i, thread)]!.action.kind === 'end'
  }

  #operations(i: number, thread: number) {
    return this.#program.nodes[i]!.threads[thread]!.operations
  }

  /** Everything that can be seen: private states and registered memory. */
  #bytes(): string {
    return this.#members
      .map(({ node, status }) =>
        node === undefined
          ? status
          : status +
            Buffer.from(node.state).toString('latin1') +
            Buffer.from(node.native.memory, 0, 512).toString('latin1'),
      )
      .join('|')
  }

  #act(i: number): void {
    const member = this.#members[i]!
    if (member.status === 'killed' && this.#draw(4) === 0) this.#close(i)
    if (this.#draw(6) === 0) this.#strikeFreely()
    const { node } = member
    if (node === undefined || member.status !== 'up') return
    if (node.native.addressRevision() !== node.introduced) this.#introduce(i)
    const { threads } = this.#program.nodes[i]!
    const thread = this.#draw(threads.length + 1)
    if (thread === threads.length) {
      node.turn()
      return
    }
    const counter = this.#counter(i, thread)
    const { action } = this.#operations(i, thread)[counter]!
    if (action.kind === 'fault' && !this.#isPossible(action.fault)) return
    if (!node.step(thread)) return
    if (action.kind === 'fault') this.#strike(action.fault)
    else if (this.#draw(2) === 0) node.turn()
  }

  #counter(i: number, thread: number): number {
    return this.#view(i).counters.get(thread)
  }

  #view(i: number) {
    const { definition, node } = this.#members[i]!
    const layout = definition.state as ReturnType<typeof layoutOf>
    return layout.view(new DataView(node!.state.buffer), 0)
  }

  // ---- faults

  #strikeFreely(): void {
    const possible = this.#faultsLeft.filter(({ target, left }) => left > 0 && this.#isPossible(target))
    const fault = possible[this.#draw(possible.length)]
    if (fault === undefined) return
    fault.left--
    this.#strike(fault.target)
  }

  #isPossible({ kind, node, from, pair }: FaultTarget): boolean {
    const status = this.#members[node ?? 0]?.status
    switch (kind) {
      case 'pause':
      case 'kill':
      case 'halt':
        return status === 'up'
      case 'crash':
        return status !== 'down'
      case 'resume':
        return status === 'paused'
      case 'restart':
        return status === 'down' || status === 'halted'
      case 'heal':
      case 'mend':
        return this.#cuts.has(cutName(from, node, pair))
      case 'cut':
      case 'sever':
        return !this.#cuts.has(cutName(from, node, pair))
      default:
        throw new Error(`${kind} is not part of the parity suite`)
    }
  }

  #strike({ kind, node, from, pair }: FaultTarget): void {
    const i = node ?? 0
    const member = this.#members[i]!
    switch (kind) {
      case 'pause':
        member.status = 'paused'
        break
      case 'resume':
        member.status = 'up'
        break
      case 'kill':
        member.status = 'killed'
        break
      case 'halt':
        member.status = 'halted'
        break
      case 'crash':
        this.#close(i)
        break
      case 'restart':
        this.#close(i)
        member.incarnation++
        this.#open(i)
        member.node!.start()
        break
      case 'cut':
      case 'sever':
        this.#cuts.add(cutName(from, node, pair))
        this.#impairAll()
        break
      case 'heal':
      case 'mend':
        this.#cuts.delete(cutName(from, node, pair))
        this.#impairAll()
        break
      default:
        throw new Error(`${kind} is not part of the parity suite`)
    }
  }

  /** A way that is cut loses the requests of one end, and the answers to those of the other. */
  #impairAll(): void {
    const { pairsPerPeer, loopback } = this.#fabric
    const isLost = (from: number, to: number, pair: number): boolean =>
      this.#cuts.has(cutName(from, to, undefined)) || this.#cuts.has(cutName(from, to, pair))
    this.#members.forEach(({ node }, i) => {
      for (let peer = 0; peer < this.#members.length; peer++)
        for (let pair = 0; pair < pairsPerPeer; pair++)
          if (node !== undefined && this.#ground.fabric === 'shm' && (peer !== i || loopback === true))
            node.native.impair(peer * pairsPerPeer + pair, isLost(i, peer, pair), isLost(peer, i, pair))
    })
  }

  // ---- the outcome

  #outcome(): Outcome {
    const program = this.#program
    const down = { assigned: 0, registers: { get: () => 0 }, statuses: { get: () => 0 } }
    const isDown = (i: number): boolean => this.#members[i]!.status === 'down'
    const known = privateValues(program, (i) => (isDown(i) ? down : this.#view(i)))
    const values = program.observables.map((each, i) => {
      if (isDown(each.node)) return '-'
      if (each.kind !== 'memory') return known[i]!
      const { native } = this.#members[each.node]!.node!
      const at = native.regionsAt[each.at.region]! + each.at.offset
      const words = new Uint32Array(native.memory, at, 2)
      return wordText(words[0]!, words[1]!)
    })
    const endings = program.nodes.flatMap(({ threads }, node): Outcome['endings'] => {
      if (isDown(node)) return [{ node, ending: 'down', words: '' }]
      const isStuck = threads.some((_, thread) => !this.#isAtEnd(node, thread))
      return isStuck ? [{ node, ending: 'waits', words: '' }] : []
    })
    return { values, endings }
  }
}

const cutName = (from: number | undefined, to: number | undefined, pair: number | undefined): string =>
  `${String(from)}>${String(to)}#${String(pair)}`
