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
import type { Listener } from '../world/listener.js'
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

const everyInvariant = 0xffffffff

/** The invariants that look at a part, as bits. */
function concernedBy(world: World, part: Part, invariants: readonly StateInvariant[]): number {
  if (part.kind !== 'region') return everyInvariant
  const region = world.nodes[part.node]!.parts.regions.findIndex(({ index }) => index === part.index)
  let bits = 0
  invariants.forEach(({ regions }, i) => {
    if (regions === undefined || regions.includes(region)) bits |= 1 << Math.min(i, 31)
  })
  return bits >>> 0
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
  /** Parts whose change asks for a look at the invariants: memory of nodes and what clients hold. */
  readonly #watched: Uint8Array
  /** For each part the invariants that look at it: bit i for invariant i, from 31 on all in one bit. */
  readonly #concerned: Uint32Array

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
    this.#watched = Uint8Array.from(world.memory.parts, (part) =>
      part.kind === 'private' || part.kind === 'region' || part.kind === 'status' ? 1 : 0,
    )
    this.#concerned = Uint32Array.from(world.memory.parts, (part) =>
      concernedBy(world, part, this.#invariants),
    )
    world.listener = this
    this.reset()
  }

  /** Begins anew at the world's present state, with an empty history. */
  reset(): void {
    this.#recorder = new HistoryRecorder()
    this.#positions.length = 0
    for (const { invariant, before } of this.#stepInvariants) invariant.remember(this.observer, before)
    for (const role of this.#roles) {
      role.last = this.world.memory.bytes[role.at]!
      role.incarnation = this.observer.incarnation(role.node)
    }
  }

  /** Looks at the state after a step. */
  afterStep(): Violation | undefined {
    const failure = this.world.failure
    if (failure !== undefined) return { kind: failure.kind, name: failure.kind, reason: failure.message }
    return this.#needsLook() ? this.#look(this.#concernedNow()) : undefined
  }

  /** Looks at the state that a run begins in. */
  atStart(): Violation | undefined {
    const failure = this.world.failure
    if (failure !== undefined) return { kind: failure.kind, name: failure.kind, reason: failure.message }
    return this.#look(everyInvariant)
  }

  #look(concerned: number): Violation | undefined {
    for (let i = 0; i < this.#roles.length; i++) {
      const violation = this.#judgeRole(this.#roles[i]!)
      if (violation !== undefined) return violation
    }
    for (let i = 0; i < this.#invariants.length; i++) {
      if (((concerned >>> Math.min(i, 31)) & 1) === 0) continue
      const invariant = this.#invariants[i]!
      const reason = invariant.check(this.observer)
      if (reason !== undefined) return { kind: 'invariant', name: invariant.name, reason }
    }
    for (let i = 0; i < this.#stepInvariants.length; i++) {
      const { invariant, before, after } = this.#stepInvariants[i]!
      invariant.remember(this.observer, after)
      const reason = invariant.check(before, after, this.observer)
      if (reason !== undefined) return { kind: 'step', name: invariant.name, reason }
      before.set(after)
    }
    return undefined
  }

  #needsLook(): boolean {
    const watched = this.#watched
    const { world } = this
    for (let i = 0; i < world.touchedCount; i++) if (watched[world.touchedPart(i)] === 1) return true
    return false
  }

  #concernedNow(): number {
    const { world } = this
    let concerned = 0
    for (let i = 0; i < world.touchedCount; i++) concerned |= this.#concerned[world.touchedPart(i)]!
    return concerned
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
    return this.world.model.spec.goal.reached(this.observer)
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
