/**
 * The world: everything that can happen to a system, and nothing that decides what does. It holds the bytes of nodes,
 * networks, disks, clients and faults, keeps the list of sites with how many choices each offers, and takes the step
 * that a scheduler chose.
 *
 * Guarantees: what is armed follows from the bytes; equal bytes and equal steps give equal bytes; a step writes only the
 * parts that its site declares; stepping allocates nothing.
 */
import {
  type FaultBudget,
  type FaultKind,
  InvariantViolation,
  type Knobs,
  type NodeId,
  type SystemModel,
  faultKinds,
} from '../../protocol/index.js'
import { buildSites, completeFootprints } from './all-sites.js'
import { Clients } from './clients.js'
import { Clocks } from './clock.js'
import { Disk } from './disk.js'
import { Fabric } from './fabric/fabric.js'
import { budgetIndex, repairs, unlimited } from './faults.js'
import { HiddenState } from './hidden-state.js'
import type { Labour } from './labour.js'
import { LimitedSites } from './limits.js'
import type { Coverage, Failure, Listener } from './listener.js'
import type { Memory, Part } from './memory.js'
import type { Channel } from './network.js'
import { NodeStatus } from './node-parts.js'
import { Node } from './node.js'
import { type WorldOptions, defaultKnobs } from './options.js'
import { Outcome, type Site, type SiteDraft, actionKinds, siteOf } from './site.js'
import { nodeName, planWorld } from './world-plan.js'

export interface Snapshot {
  readonly state: Uint8Array
  readonly side: Float64Array
  nowNanos: number
}

const mostNodes = 32
/** Sites are stored as 16-bit numbers in action logs. */
const mostSites = 0xffff

export class World {
  readonly model: SystemModel
  readonly knobs: Knobs
  readonly selfTest: boolean
  readonly nodeCount: number
  readonly memory: Memory
  readonly nodes: readonly Node[]
  readonly channels: readonly (Channel | undefined)[]
  readonly disks: readonly Disk[]
  readonly clocks: Clocks | undefined
  readonly fabric: Fabric | undefined
  readonly clients: Clients | undefined
  readonly links: Part
  readonly budgets: Part
  readonly limits: LimitedSites | undefined
  readonly sites: readonly Site[]
  readonly messageSlot: Uint32Array
  readonly coverage: Coverage
  listener: Listener | undefined
  failure: Failure | undefined
  /** Virtual time, set by a scheduler that keeps time. */
  nowNanos = 0
  /** Set by a scheduler in which handlers take time. */
  labour: Labour | undefined
  /** Rises whenever bytes change; and per part. */
  changes = 0
  readonly partChanges: Float64Array
  /** A site whose last step ended a look at memory that found nothing new, or -1: it has nothing to offer until woken. */
  settled = -1
  /** How many choices each site offers now, and in all. */
  readonly armed: Int32Array
  armedTotal = 0
  /** Sites whose guards or inputs changed in the last step: they may have something new to offer. */
  readonly dirty: Int32Array
  dirtyCount = 0
  readonly #sites: Site[] = []
  readonly #touched: Int32Array
  #touchedCount = 0
  /** Number of the present step: what is marked with it is marked, so that nothing needs to be unmarked. */
  #epoch = 1
  /** The step in which a site became dirty, was counted again, or a part was touched. */
  readonly #dirtyIn: Int32Array
  readonly #countedIn: Int32Array
  readonly #touchedIn: Int32Array
  /** The sites that the change of a touched part concerns, or none for all that it guards or wakes. */
  readonly #concerned: (Int32Array | undefined)[]
  /** Per part the sites that it guards, and those that it only wakes. */
  readonly #guarded: readonly Int32Array[]
  readonly #woken: readonly Int32Array[]
  readonly #spared: WorldOptions['spared']
  readonly #budget: FaultBudget
  readonly #kindOf: Uint8Array
  /** Word that must not be zero for a site to be armed, or -1. */
  readonly #gates: Int32Array

  constructor(model: SystemModel, options: WorldOptions = {}) {
    const n = model.cores.length
    if (n < 1 || n > mostNodes)
      throw new RangeError(`a system has 1 to ${String(mostNodes)} nodes, not ${String(n)}`)
    this.model = model
    this.knobs = { ...defaultKnobs, ...options.knobs, ...model.requires }
    this.selfTest = options.selfTest ?? false
    this.#budget = options.budget ?? {}
    this.nodeCount = n
    this.#spared = options.spared
    const limits = options.limits ?? {}
    const plan = planWorld(model, this.knobs, limits)
    this.memory = plan.memory
    this.links = plan.links
    this.budgets = plan.budgets
    this.limits = plan.limits === undefined ? undefined : new LimitedSites(plan.memory, plan.limits, limits)
    this.messageSlot = new Uint32Array(2 + ((model.network?.messageBytes ?? 0) + 3) / 4)
    this.coverage = {
      handlers: new Float64Array(n * 16),
      notes: new Float64Array(n * 64),
      steps: new Float64Array(actionKinds.length * 3),
      lostToFullChannels: 0,
    }
    const parts = this.memory.parts.length
    this.partChanges = new Float64Array(parts)
    this.#touched = new Int32Array(parts)
    this.#touchedIn = new Int32Array(parts)
    this.#concerned = new Array<undefined>(parts).fill(undefined)
    const { disk, clock, fabric, workload } = model
    this.channels = plan.channels
    this.clocks = clock === undefined ? undefined : new Clocks(this, plan.clocks, clock)
    this.nodes = model.cores.map((core, i) => new Node(this, i, core, plan.nodes[i]!))
    this.disks = disk === undefined ? [] : plan.disks.map((part) => new Disk(this, part, disk))
    this.fabric = fabric === undefined ? undefined : new Fabric(this, fabric, plan.flows, plan.registrations)
    this.clients = workload === undefined ? undefined : new Clients(this, workload, plan.clients)
    completeFootprints(this)
    buildSites(this)
    this.sites = this.#sites
    if (this.sites.length > mostSites)
      throw new RangeError(`a world has at most ${String(mostSites)} sites, not ${String(this.sites.length)}`)
    const count = this.sites.length
    this.armed = new Int32Array(count)
    this.dirty = new Int32Array(count)
    this.#dirtyIn = new Int32Array(count)
    this.#countedIn = new Int32Array(count)
    this.#kindOf = Uint8Array.from(this.sites, (site) => actionKinds.indexOf(site.kind))
    this.#gates = Int32Array.from(this.sites, ({ gate }) => gate)
    const guarded: number[][] = this.memory.parts.map(() => [])
    const woken: number[][] = this.memory.parts.map(() => [])
    for (const { index, guards, wakes = [] } of this.sites) {
      for (const part of new Set(guards)) guarded[part]!.push(index)
      for (const part of new Set(wakes)) if (!guards.includes(part)) woken[part]!.push(index)
    }
    this.#guarded = guarded.map((sites) => Int32Array.from(sites))
    this.#woken = woken.map((sites) => Int32Array.from(sites))
    this.fabric?.complete()
    this.#boot(options.budget ?? {})
  }

  nodeName(node: NodeId): string {
    return nodeName(node)
  }

  // ---- construction

  addSite(draft: SiteDraft): number {
    const index = this.#sites.length
    const within = this.limits?.within(draft, (part) => {
      this.touch(part)
    })
    this.#sites.push(siteOf(index, within ?? draft))
    return index
  }

  /** Adds the site of a rare fault only in worlds that have a budget for it; repairs of it likewise. */
  addFaultWhenBudgeted(kind: FaultKind, node: NodeId, draft: SiteDraft): void {
    if (this.canBe(kind)) this.addFault(kind, node, draft)
  }
  /** Whether there is a budget for a kind of fault, or for the one that it repairs. */
  canBe(kind: FaultKind): boolean {
    return (this.#budget[kind] ?? 0) > 0 || (kind === 'mend' && this.canBe('sever'))
  }

  /** Adds a fault site: armed only within its budget, which each step that moved uses up. A node of -1 is never spared. */
  addFault(kind: FaultKind, node: NodeId, draft: SiteDraft): void {
    if (this.#spared?.[kind]?.includes(node) === true) return
    const { words } = this.memory
    const at = this.budgets.offset / 4 + budgetIndex(kind)
    const budgets = this.budgets.index
    // A budget of nothing stays one, but for a repair when the faults end: then nothing else is looked at.
    const never = !this.canBe(kind) && !repairs.includes(kind)
    this.addSite({
      ...draft,
      guards: never ? [budgets] : [...draft.guards, budgets],
      gate: never ? at : (draft.gate ?? at),
      writes: [...draft.writes, budgets],
      armed: () => (words[at] === 0 ? 0 : draft.armed()),
      step: (choice) => {
        const outcome = draft.step(choice)
        if (outcome === Outcome.moved && words[at] !== unlimited) {
          words[at] = words[at]! - 1
          this.touch(budgets)
        }
        return outcome
      },
    })
  }

  #boot(budget: FaultBudget): void {
    const { words } = this.memory
    for (const kind of faultKinds) {
      const most = budget[kind] ?? 0
      words[this.budgets.offset / 4 + budgetIndex(kind)] = most >= unlimited ? unlimited : most
    }
    this.limits?.begin()
    this.fabric?.connectAll()
    try {
      for (const node of this.nodes) node.boot(false, 0)
    } catch (error) {
      this.#fail(error)
    }
    this.#refreshAll()
  }

  // ---- bytes and footprints

  /** Says that bytes of a part changed. */
  touch(part: number): void {
    this.#concerned[part] = undefined
    this.#note(part)
  }
  /** As `touch`, where only some sites may have something else to offer because of it. */
  touchFor(part: number, sites: Int32Array): void {
    if (this.#touchedIn[part] !== this.#epoch) this.#concerned[part] = sites
    else if (this.#concerned[part] !== sites) this.#concerned[part] = undefined
    this.#note(part)
  }
  #note(part: number): void {
    this.changes++
    this.partChanges[part]!++
    if (this.#touchedIn[part] === this.#epoch) return
    this.#touchedIn[part] = this.#epoch
    this.#touched[this.#touchedCount++] = part
  }
  /** Says that a site has something new to offer though no byte says so (a timer armed again). */
  wake(site: number): void {
    if (site >= 0) this.#markDirty(site)
  }
  /** The sites of which a part is a guard. */
  guardedBy(part: number): Int32Array {
    return this.#guarded[part]!
  }
  /** How many parts the last step changed, and which. */
  get touchedCount(): number {
    return this.#touchedCount
  }
  touchedPart(i: number): number {
    return this.#touched[i]!
  }

  isCut(from: NodeId, to: NodeId): boolean {
    return ((this.memory.words[this.links.offset / 4 + from]! >>> to) & 1) === 1
  }
  setCut(from: NodeId, to: NodeId, cut: boolean): void {
    const at = this.links.offset / 4 + from
    const before = this.memory.words[at]!
    this.memory.words[at] = (cut ? before | (1 << to) : before & ~(1 << to)) >>> 0
    this.touch(this.links.index)
  }
  isSevered(from: NodeId, to: NodeId, pair: number): boolean {
    const at = this.links.offset / 4 + this.nodeCount + from * this.nodeCount + to
    return ((this.memory.words[at]! >>> pair) & 1) === 1
  }
  setSevered(from: NodeId, to: NodeId, pair: number, severed: boolean): void {
    const at = this.links.offset / 4 + this.nodeCount + from * this.nodeCount + to
    const before = this.memory.words[at]!
    this.memory.words[at] = (severed ? before | (1 << pair) : before & ~(1 << pair)) >>> 0
    this.touch(this.links.index)
  }
  /** Whether the process of a node is dead, so that only a restart brings it back. */
  isOut(node: NodeId): boolean {
    const status = this.nodes[node]!.status()
    return status !== NodeStatus.up && status !== NodeStatus.paused
  }
  isDown(node: NodeId): boolean {
    return this.nodes[node]!.status() === NodeStatus.down
  }
  diskOf(node: NodeId): Disk {
    const disk = this.disks[node]
    if (disk === undefined) throw new InvariantViolation('the system declares no disk')
    return disk
  }

  // ---- stepping

  /** Takes one of the choices that a site offers, or a choice that `find` returned. */
  step(siteIndex: number, choice: number): Outcome {
    const site = this.sites[siteIndex]!
    this.#forgetTouched()
    let outcome: Outcome = Outcome.moved
    try {
      outcome = site.step(choice)
    } catch (error) {
      this.#fail(error)
    }
    const { steps } = this.coverage
    const kind = this.#kindOf[siteIndex]! * 3
    if (this.settled === siteIndex) {
      // The poll came to nothing: the words that it copied are no actions.
      const words = this.nodes[site.node]!.windows.windowWords
      steps[kind + Outcome.moved]! -= words - 1
      steps[kind + Outcome.idle]! += words
    } else steps[kind + outcome]!++
    this.#refresh()
    return outcome
  }

  #fail(error: unknown): void {
    const cause = error instanceof Error ? error : new Error(String(error))
    const kind =
      cause instanceof InvariantViolation
        ? 'assertion'
        : cause instanceof HiddenState
          ? 'hidden-state'
          : 'crash'
    this.failure = { kind, message: cause.message, error: cause }
  }

  #forgetTouched(): void {
    if (++this.#epoch === 0x7fffffff) {
      this.#epoch = 1
      for (const marks of [this.#dirtyIn, this.#countedIn, this.#touchedIn]) marks.fill(0)
    }
    this.#touchedCount = 0
    this.dirtyCount = 0
    this.settled = -1
  }
  #markDirty(site: number): void {
    if (this.#dirtyIn[site] === this.#epoch) return
    this.#dirtyIn[site] = this.#epoch
    this.dirty[this.dirtyCount++] = site
  }
  /** Marks the sites that touched parts guard or wake, and counts again what the guarded ones offer. */
  #refresh(): void {
    for (let i = 0; i < this.#touchedCount; i++) {
      const part = this.#touched[i]!
      const concerned = this.#concerned[part]
      const guarded = concerned ?? this.#guarded[part]!
      for (let k = 0; k < guarded.length; k++) this.#count(guarded[k]!)
      if (concerned !== undefined) continue
      const woken = this.#woken[part]!
      for (let k = 0; k < woken.length; k++) this.#markDirty(woken[k]!)
    }
  }
  #count(site: number): void {
    if (this.#countedIn[site] === this.#epoch) return
    this.#countedIn[site] = this.#epoch
    this.#markDirty(site)
    const gate = this.#gates[site]!
    const before = this.armed[site]!
    const armed = gate >= 0 && this.memory.words[gate] === 0 ? 0 : this.sites[site]!.armed()
    if (armed === before) return
    this.armedTotal += armed - before
    this.armed[site] = armed
  }
  #refreshAll(): void {
    this.#forgetTouched()
    this.armedTotal = 0
    this.armed.fill(0)
    for (let site = 0; site < this.sites.length; site++) this.#count(site)
  }

  // ---- snapshots and fingerprints

  snapshot(): Snapshot {
    return {
      state: this.memory.bytes.slice(),
      side: this.memory.side.slice(),
      nowNanos: this.nowNanos,
    }
  }
  restore(snapshot: Snapshot): void {
    this.memory.bytes.set(snapshot.state)
    this.memory.side.set(snapshot.side)
    this.nowNanos = snapshot.nowNanos
    this.changes++
    this.failure = undefined
    this.#refreshAll()
  }

  /** 32-bit fingerprint of the state's contents. */
  fingerprint(): number {
    const { words } = this.memory
    let hash = 0x811c9dc5
    for (let i = 0; i < words.length; i++) {
      const word = words[i]!
      if (word === 0) continue
      hash ^= Math.imul(word ^ Math.imul(i + 1, 0x9e3779b1), 0x85ebca6b)
      hash = Math.imul(hash ^ (hash >>> 15), 0xc2b2ae35)
    }
    return (hash ^ (hash >>> 16)) >>> 0
  }

  siteNamed(name: string): Site | undefined {
    return this.sites.find((site) => site.name === name)
  }
}
