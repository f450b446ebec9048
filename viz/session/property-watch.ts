/**
 * The truth of every property after every step, for people: unlike a judge it goes on after a violation, and asks all.
 */
import type { StepInvariant } from '../../protocol/index.js'
import type { Judge, Violation, World } from '../../sim/index.js'
import { type PropertyInfo, Truth } from './protocol.js'

export interface RoleChange {
  readonly node: number
  readonly before: number
  readonly after: number
}
interface Role extends RoleChange {
  /** Byte of the role in the state. */
  readonly place: number
  before: number
  after: number
  incarnation: number
  /** Whether its last change was by a restart or by a loss of memory, which may lead anywhere. */
  restarted: boolean
}

export class PropertyWatch {
  readonly #world: World
  readonly #judge: Judge
  readonly #properties: readonly PropertyInfo[]
  readonly #truths: Uint8Array
  /** By property: why it is violated, or ''. */
  readonly reasons: string[]
  readonly #steps: readonly {
    readonly row: number
    readonly invariant: StepInvariant
    readonly before: Float64Array
    readonly after: Float64Array
  }[]
  readonly #roles: readonly Role[]
  readonly #changed: RoleChange[] = []
  /** The row of the role machine was set because of one step only, and so were those of step invariants. */
  readonly #roleRow: number
  readonly #goalRow: number

  constructor(world: World, judge: Judge, properties: readonly PropertyInfo[]) {
    this.#world = world
    this.#judge = judge
    this.#properties = properties
    this.#truths = new Uint8Array(properties.length).fill(Truth.holds)
    this.reasons = properties.map(() => '')
    properties.forEach(({ kind }, row) => {
      if (kind === 'history') this.#truths[row] = Truth.unknown
    })
    this.#steps = world.model.spec.stepInvariants.flatMap((invariant) => {
      const row = this.#row('step', invariant.name)
      const room = () => new Float64Array(invariant.residue)
      return row < 0 ? [] : [{ row, invariant, before: room(), after: room() }]
    })
    this.#roleRow = this.#row('role', 'role')
    this.#goalRow = properties.findIndex(({ kind }) => kind === 'goal')
    this.#roles = world.nodes.flatMap(({ index, definition: { role, state }, parts }) => {
      if (role === undefined) return []
      const place = parts.state.offset + state.offsetOf(...role.field.split('.'))
      const now = world.memory.bytes[place]!
      const incarnation = judge.observer.incarnation(index)
      return [{ node: index, place, before: now, after: now, incarnation, restarted: false }]
    })
  }
  #row(kind: PropertyInfo['kind'], name: string): number {
    return this.#properties.findIndex((property) => property.kind === kind && property.name === name)
  }

  /** At the start of a run, or before the step that is of interest. */
  begin(violation?: Violation): void {
    if (violation === undefined) this.afterGood(undefined)
    else this.afterBad()
  }

  /** After a step at which the judge looked: all hold but for what it has found. */
  afterGood(violation: Violation | undefined): void {
    if (violation !== undefined) {
      this.#setAll()
      if (violation.kind === 'step' || violation.kind === 'role' || violation.kind === 'invariant')
        this.#set(this.#row(violation.kind, violation.name), violation.reason)
    }
    if (violation !== undefined || this.#steps.length === 0) this.#rememberSteps()
    this.#truths[this.#goalRow] = this.#judge.goalReached() ? Truth.holds : Truth.violated
  }
  /** After a step at which no judge looked. */
  afterBad(): void {
    this.#setAll()
    const { observer } = this.#judge
    for (const { row, invariant, before, after } of this.#steps) {
      invariant.remember(observer, after)
      this.#set(row, invariant.check(before, after, observer))
      before.set(after)
    }
    const { spec } = this.#world.model
    this.#truths[this.#goalRow] = spec.goal.reached(observer) ? Truth.holds : Truth.violated
  }
  /** Remembers what step invariants need to know of the state before a step. */
  remember(): void {
    this.#rememberSteps()
    for (const role of this.#roles) this.#look(role)
  }
  #rememberSteps(): void {
    for (const { invariant, before } of this.#steps) invariant.remember(this.#judge.observer, before)
  }
  #set(row: number, reason: string | undefined): void {
    if (row < 0) return
    this.#truths[row] = reason === undefined ? Truth.holds : Truth.violated
    this.reasons[row] = reason ?? ''
  }
  #setAll(): void {
    const { observer } = this.#judge
    for (const invariant of this.#world.model.spec.invariants)
      this.#set(this.#row('invariant', invariant.name), invariant.check(observer))
    for (const { row } of this.#steps) this.#set(row, undefined)
    const illegal = this.#changed.find(({ node, before, after }) => !this.#mayChange(node, before, after))
    this.#set(this.#roleRow, illegal === undefined ? undefined : this.#roleReason(illegal))
  }

  /** Role changes of the last step; those by a loss of memory are among them. To be asked once after each step. */
  roleChanges(): readonly RoleChange[] {
    this.#changed.length = 0
    for (const role of this.#roles) if (this.#look(role)) this.#changed.push(role)
    return this.#changed
  }
  #look(role: Role): boolean {
    const now = this.#world.memory.bytes[role.place]!
    const incarnation = this.#judge.observer.incarnation(role.node)
    role.restarted = incarnation !== role.incarnation || this.#world.isDown(role.node)
    role.incarnation = incarnation
    if (now === role.after) return false
    role.before = role.after
    role.after = now
    return true
  }
  #mayChange(node: number, before: number, after: number): boolean {
    const { restarted } = this.#roles.find((each) => each.node === node)!
    return restarted || this.#world.nodes[node]!.definition.role!.machine.mayChange(before, after)
  }
  #roleReason({ node, before, after }: RoleChange): string {
    const names = this.#world.nodes[node]!.definition.role!.machine.stateNames
    return `${this.#world.nodeName(node)} went from ${names[before] ?? '?'} to ${names[after] ?? '?'}, which no event of its role machine allows.`
  }

  truths(): Uint8Array {
    return this.#truths
  }
}
