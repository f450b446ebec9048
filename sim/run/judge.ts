/**
 * Judges a run while it goes on: state invariants and step invariants after every step that moved something, role
 * changes against the role machine, assertions and exceptions of cores at once; the history of what clients saw when
 * the run ends. A judge only looks; it never changes the world.
 */
import type { HistoryProperty, RoleMachine, StateInvariant, StepInvariant } from '../../protocol/index.js'
import { HistoryRecorder, type Operation } from '../history/history.js'
import { checkLinearizable } from '../history/linearizability.js'
import { WorldObserver } from '../world/observer.js'
import type { Part } from '../world/memory.js'
import type { Failure, Listener } from '../world/listener.js'
import type { World } from '../world/world.js'

export type ViolationKind =
  'invariant' | 'step' | 'role' | 'history' | 'assertion' | 'crash' | 'hidden-state' | 'liveness'

export interface Violation {
  readonly kind: ViolationKind
  readonly name: string
  /** One sentence in the protocol's terms, values filled in. */
  readonly reason: string
}

/** Whether two violations are the same finding. */
export const sameViolation = (a: Violation, b: Violation): boolean => a.kind === b.kind && a.name === b.name

interface RoleWatch {
  readonly node: number
  readonly machine: RoleMachine
  /** Byte of the role in the state buffer. */
  readonly at: number
  last: number
  incarnation: number
}

// What may have to be looked at after a step, as bits: state invariants one by one, then those beyond the 28th together.
const mostOwnBits = 28
const otherInvariants = 1 << mostOwnBits
const stepInvariants = 1 << 29
const roleChanges = 1 << 30
const goal = 1 << 31
const everything = -1
const everyNode = -1

const bitOf = (invariant: number): number => (invariant < mostOwnBits ? 1 << invariant : otherInvariants)

/** What looks at a part: invariants name the regions that they look at, memory that is private concerns all. */
function concernedBy(world: World, part: Part, invariants: readonly StateInvariant[]): number {
  if (part.kind === 'private' || part.kind === 'status') return everything
  if (part.kind === 'client') return goal
  if (part.kind !== 'region') return 0
  const { spec } = world.model
  const region = world.nodes[part.node]!.parts.regions.findIndex(({ index }) => index === part.index)
  const looksAt = ({ regions }: { readonly regions?: readonly number[] | undefined }): boolean =>
    regions === undefined || regions.includes(region)
  let bits = 0
  invariants.forEach((invariant, i) => {
    if (looksAt(invariant)) bits |= bitOf(i)
  })
  if (spec.stepInvariants.some(looksAt)) bits |= stepInvariants
  if (looksAt(spec.goal)) bits |= goal
  return bits
}

export class Judge implements Listener {
  readonly world: World
  readonly observer: WorldObserver
  readonly #invariants: readonly StateInvariant[]
  readonly #stepInvariants: readonly { invariant: StepInvariant; before: Float64Array; after: Float64Array }[]
  readonly #roles: readonly RoleWatch[]
  readonly #history: HistoryProperty | undefined
  #recorder = new HistoryRecorder<unknown, unknown>()
  readonly #positions: number[] = []
  /** Histories whose check was cut off by its limit: neither passed nor failed. */
  unjudgedHistories = 0
  /** For each part what looks at it, as bits. */
  readonly #concerned: Int32Array
  /** For each part the node it belongs to, and whether it is the status of one. */
  readonly #nodeOf: Int32Array
  readonly #isStatus: Uint8Array
  /** Whether the last state was looked at and found good, so that what has not changed since holds. */
  #isGood = false
  /** Of that state: what observers see of the status of each node, and whether the goal was reached, if that was asked. */
  readonly #statuses: Int32Array
  readonly #incarnations: Float64Array
  #goalReached: boolean | undefined

  constructor(world: World, without: readonly string[] = []) {
    this.world = world
    this.observer = new WorldObserver(world)
    const { spec } = world.model
    this.#invariants = spec.invariants.filter((invariant) => !without.includes(invariant.name))
    this.#stepInvariants = spec.stepInvariants
      .filter((invariant) => !without.includes(invariant.name))
      .map((invariant) => ({
        invariant,
        before: new Float64Array(invariant.residue),
        after: new Float64Array(invariant.residue),
      }))
    this.#history =
      spec.history === undefined || without.includes(spec.history.name) ? undefined : spec.history
    this.#roles = without.includes('role') ? [] : rolesOf(world)
    const { parts } = world.memory
    this.#concerned = Int32Array.from(parts, (part) => concernedBy(world, part, this.#invariants))
    this.#nodeOf = Int32Array.from(parts, ({ node }) => node)
    this.#isStatus = Uint8Array.from(parts, ({ kind }) => (kind === 'status' ? 1 : 0))
    this.#statuses = new Int32Array(world.nodeCount)
    this.#incarnations = new Float64Array(world.nodeCount)
    world.listener = this
    this.reset()
  }

  /** Begins anew at the world's present state, with an empty history. */
  reset(): void {
    this.#recorder = new HistoryRecorder()
    this.#positions.length = 0
    this.#isGood = false
    for (const { invariant, before } of this.#stepInvariants) invariant.remember(this.observer, before)
    for (const role of this.#roles) {
      role.last = this.world.memory.bytes[role.at]!
      role.incarnation = this.observer.incarnation(role.node)
    }
  }

  /**
   * Looks at the state after a step. `isNext`: this judge has looked after the step before as well, and at each since its
   * reset. Then what the step has not changed need not be looked at again.
   */
  afterStep(isNext = false): Violation | undefined {
    const failure = this.world.failure
    if (failure !== undefined) return this.#fail(failure)
    const follows = isNext && this.#isGood
    let concerned = 0
    let nodes = 0
    const { world } = this
    for (let i = 0; i < world.touchedCount; i++) {
      const part = world.touchedPart(i)
      const bits = this.#concerned[part]!
      if (bits === 0) continue
      if (follows && this.#isStatus[part] === 1 && !this.#statusChanged(this.#nodeOf[part]!)) continue
      concerned |= bits
      nodes |= 1 << this.#nodeOf[part]!
    }
    if (concerned === 0) return undefined
    this.#goalReached = undefined
    if (follows) return concerned === goal ? undefined : this.#look(concerned, nodes)
    this.#rememberStatuses()
    const violation = concerned === goal ? undefined : this.#look(concerned, everyNode)
    this.#isGood = isNext && violation === undefined && concerned === everything
    return violation
  }

  /** Looks at the state that a run begins in. */
  atStart(): Violation | undefined {
    const failure = this.world.failure
    if (failure !== undefined) return this.#fail(failure)
    this.#rememberStatuses()
    this.#goalReached = undefined
    const violation = this.#look(everything, everyNode)
    this.#isGood = violation === undefined
    return violation
  }

  #fail({ kind, message }: Failure): Violation {
    this.#isGood = false
    return { kind, name: kind, reason: message }
  }

  /** Whether a status is another one for observers: most of its changes are of copies under way. */
  #statusChanged(node: number): boolean {
    const status = this.world.nodes[node]!.status()
    const incarnation = this.observer.incarnation(node)
    if (status === this.#statuses[node] && incarnation === this.#incarnations[node]) return false
    this.#statuses[node] = status
    this.#incarnations[node] = incarnation
    return true
  }
  #rememberStatuses(): void {
    for (let node = 0; node < this.#statuses.length; node++) this.#statusChanged(node)
  }

  /** Looks at what is concerned by a change of the memory of some nodes. */
  #look(concerned: number, nodes: number): Violation | undefined {
    this.observer.changed = nodes
    const violation = this.#find(concerned, nodes)
    this.observer.changed = everyNode
    if (violation !== undefined) this.#isGood = false
    return violation
  }

  #find(concerned: number, nodes: number): Violation | undefined {
    const { observer } = this
    if ((concerned & roleChanges) !== 0)
      for (let i = 0; i < this.#roles.length; i++) {
        const role = this.#roles[i]!
        if (((nodes >>> role.node) & 1) === 0) continue
        const violation = this.#judgeRole(role)
        if (violation !== undefined) return violation
      }
    for (let i = 0; i < this.#invariants.length; i++) {
      if ((concerned & bitOf(i)) === 0) continue
      const invariant = this.#invariants[i]!
      const reason = invariant.check(observer)
      if (reason !== undefined) return { kind: 'invariant', name: invariant.name, reason }
    }
    if ((concerned & stepInvariants) === 0) return undefined
    for (let i = 0; i < this.#stepInvariants.length; i++) {
      const { invariant, before, after } = this.#stepInvariants[i]!
      invariant.remember(observer, after)
      const reason = invariant.check(before, after, observer)
      if (reason !== undefined) return { kind: 'step', name: invariant.name, reason }
      for (let k = 0; k < before.length; k++) before[k] = after[k]!
    }
    return undefined
  }

  #judgeRole(role: RoleWatch): Violation | undefined {
    const now = this.world.memory.bytes[role.at]!
    const incarnation = this.observer.incarnation(role.node)
    const before = role.last
    if (now === before && incarnation === role.incarnation) return undefined
    const restarted = incarnation !== role.incarnation || this.world.isDown(role.node)
    role.last = now
    role.incarnation = incarnation
    if (restarted || role.machine.mayChange(before, now)) return undefined
    const names = role.machine.stateNames
    return {
      kind: 'role',
      name: 'role',
      reason: `${this.world.nodeName(role.node)} went from ${names[before] ?? '?'} to ${names[now] ?? '?'}, which no event of its role machine allows.`,
    }
  }

  /** Judges what clients saw, at the end of a run. */
  finish(): Violation | undefined {
    if (this.#history === undefined) return undefined
    const result = checkLinearizable(this.operations(), this.#history.model)
    if (result.verdict === 'linearizable') return undefined
    if (result.verdict === 'unknown') {
      this.unjudgedHistories++
      return undefined
    }
    return { kind: 'history', name: this.#history.name, reason: result.sentence }
  }

  operations(): readonly Operation<unknown, unknown>[] {
    return this.#recorder.operations()
  }
  get historyProperty(): HistoryProperty | undefined {
    return this.#history
  }
  clientsDone(): boolean {
    return this.observer.clientsBusy === 0
  }
  goalReached(): boolean {
    const { goal } = this.world.model.spec
    if (!this.#isGood) return goal.reached(this.observer)
    // Asked after every step of a liveness phase, most of which it does not look at.
    this.#goalReached ??= goal.reached(this.observer)
    return this.#goalReached
  }

  // ---- what clients see (Listener)

  call(client: number, position: number): void {
    const operation = this.world.clients!.workload.clients[client]!.script[position]!
    if (this.#history !== undefined)
      this.#recorder.call(client, this.#history.decodeRequest(operation, client))
  }
  return(client: number, _position: number, memory: DataView, at: number, length: number): void {
    if (this.#history !== undefined)
      this.#recorder.return(client, this.#history.decodeReply(memory, at, length))
  }
  abandon(client: number): void {
    if (this.#history !== undefined) this.#recorder.abandon(client)
  }
}

function rolesOf(world: World): RoleWatch[] {
  const watches: RoleWatch[] = []
  for (const node of world.nodes) {
    const { role, state } = node.definition
    if (role === undefined) continue
    watches.push({
      node: node.index,
      machine: role.machine,
      at: node.parts.state.offset + state.offsetOf(...role.field.split('.')),
      last: 0,
      incarnation: 0,
    })
  }
  return watches
}
