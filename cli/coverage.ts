/**
 * What a hunt has seen, added up over many seeds. Seeds draw clusters of different sizes, so nodes are counted by kind:
 * nodes that run the same core are of one kind. Plain data, so that worker threads can send it.
 */
import { type CoreDefinition, type FaultKind, type SystemModel, handlerNames } from '../protocol/index.js'
import {
  type ActionKind,
  type BatchResult,
  type Coverage,
  type World,
  actionKinds,
  isFaultKind,
} from '../sim/index.js'

interface NodeKind {
  /** Equal for the same kind of node in different clusters. */
  readonly key: string
  /** Lowest and highest index of such a node, and whether there has never been another kind. */
  lowest: number
  highest: number
  isAll: boolean
  /** Runs by handler; -1 where the core has no such handler. */
  readonly handlers: number[]
  readonly noteNames: readonly string[]
  readonly notes: number[]
}

export interface Totals {
  seeds: number
  runs: number
  moved: number
  idle: number
  refused: number
  virtualNanos: number
  converged: number
  unjudgedHistories: number
  lostToFullChannels: number
  readonly nodeKinds: NodeKind[]
  /** Steps by action kind and outcome, as in `Coverage.steps`. */
  readonly steps: number[]
  /** Kinds of actions that had a site in some world and, if faults, were within the budgets. */
  possible: ActionKind[]
  /** Bounds of the models that were drawn: least and most. */
  readonly bounds: Record<string, [number, number]>
  /** Seeds by scheduler. */
  readonly schedulers: Record<string, number>
  /** Violations by kind and name, each run counted. */
  readonly violations: Record<string, number>
}

export const noTotals = (): Totals => ({
  seeds: 0,
  runs: 0,
  moved: 0,
  idle: 0,
  refused: 0,
  virtualNanos: 0,
  converged: 0,
  unjudgedHistories: 0,
  lostToFullChannels: 0,
  nodeKinds: [],
  steps: Array.from({ length: actionKinds.length * 3 }, () => 0),
  possible: [],
  bounds: {},
  schedulers: {},
  violations: {},
})

const mostHandlers = 16
const mostNotes = 64

/** The kind of each node: nodes that share a core, and nodes with a core of their own that declare the same names. */
export function kindKeys(model: SystemModel): string[] {
  const { cores } = model
  const isShared = (core: CoreDefinition): boolean => cores.filter((other) => other === core).length > 1
  const names = (core: CoreDefinition): string => JSON.stringify([core.notes, core.timers, core.inputs])
  const groups: { core: CoreDefinition; names: string; key: string }[] = []
  return cores.map((core) => {
    const own = names(core)
    const known = groups.find(
      (group) => group.core === core || (group.names === own && !isShared(core) && !isShared(group.core)),
    )
    if (known !== undefined) return known.key
    // Timers, windows and layouts may depend on parameters; what is counted may not.
    const key = `${String(groups.length)} ${JSON.stringify(core.notes)}`
    groups.push({ core, names: own, key })
    return key
  })
}

/** Adds what one seed did. `worldOf` is asked for a world of the model when a kind of node is met for the first time. */
export function addBatch(
  totals: Totals,
  batch: BatchResult,
  model: SystemModel,
  keys: readonly string[],
  faults: readonly FaultKind[],
  worldOf: () => World,
): void {
  totals.seeds++
  totals.runs += batch.runs
  totals.moved += batch.moved
  totals.idle += batch.idle
  totals.refused += batch.refused
  totals.virtualNanos += batch.nanos
  totals.converged += batch.converged
  totals.unjudgedHistories += batch.unjudgedHistories
  totals.lostToFullChannels += batch.coverage.lostToFullChannels
  totals.schedulers[batch.plan.scheduler] = (totals.schedulers[batch.plan.scheduler] ?? 0) + 1
  for (const { violation } of batch.findings) {
    const key = `${violation.kind} ${violation.name}`
    totals.violations[key] = (totals.violations[key] ?? 0) + 1
  }
  for (const [name, value] of Object.entries(model.bounds)) {
    const range = (totals.bounds[name] ??= [value, value])
    range[0] = Math.min(range[0], value)
    range[1] = Math.max(range[1], value)
  }
  addCoverage(totals, batch.coverage, keys, faults, worldOf)
}

/** Adds what was touched in a world of a model with these kinds of nodes. */
export function addCoverage(
  totals: Totals,
  { steps, handlers, notes }: Coverage,
  keys: readonly string[],
  faults: readonly FaultKind[],
  worldOf: () => World,
): void {
  for (let i = 0; i < steps.length; i++) totals.steps[i]! += steps[i]!
  if (keys.some((key) => !totals.nodeKinds.some((kind) => kind.key === key)))
    meet(totals, worldOf(), keys, faults)
  const isOnly = keys.every((key) => key === keys[0])
  keys.forEach((key, node) => {
    const kind = totals.nodeKinds.find((each) => each.key === key)!
    kind.lowest = Math.min(kind.lowest, node)
    kind.highest = Math.max(kind.highest, node)
    kind.isAll &&= isOnly
    for (let h = 0; h < kind.handlers.length; h++)
      if (kind.handlers[h]! >= 0) kind.handlers[h]! += handlers[node * mostHandlers + h]!
    for (let n = 0; n < kind.notes.length; n++) kind.notes[n]! += notes[node * mostNotes + n]!
  })
}

function meet(totals: Totals, world: World, keys: readonly string[], faults: readonly FaultKind[]): void {
  const kinds = new Set(totals.possible)
  for (const { kind } of world.sites)
    if (isFaultKind(kind) ? (faults as readonly string[]).includes(kind) : true) kinds.add(kind)
  totals.possible = actionKinds.filter((kind) => kinds.has(kind))
  world.nodes.forEach(({ core, definition }, node) => {
    const key = keys[node]!
    if (totals.nodeKinds.some((kind) => kind.key === key)) return
    totals.nodeKinds.push({
      key,
      lowest: node,
      highest: node,
      isAll: true,
      handlers: handlerNames.map((name) => (typeof core[name as keyof typeof core] === 'function' ? 0 : -1)),
      noteNames: definition.notes,
      notes: definition.notes.map(() => 0),
    })
  })
}

/** The totals of several workers together. */
export function mergeTotals(all: readonly Totals[]): Totals {
  const sum = noTotals()
  for (const each of all) {
    sum.seeds += each.seeds
    sum.runs += each.runs
    sum.moved += each.moved
    sum.idle += each.idle
    sum.refused += each.refused
    sum.virtualNanos += each.virtualNanos
    sum.converged += each.converged
    sum.unjudgedHistories += each.unjudgedHistories
    sum.lostToFullChannels += each.lostToFullChannels
    each.steps.forEach((count, i) => (sum.steps[i]! += count))
    sum.possible = actionKinds.filter((kind) => sum.possible.includes(kind) || each.possible.includes(kind))
    addCounts(sum.schedulers, each.schedulers)
    addCounts(sum.violations, each.violations)
    for (const [name, [least, most]] of Object.entries(each.bounds)) {
      const range = sum.bounds[name]
      sum.bounds[name] =
        range === undefined ? [least, most] : [Math.min(range[0], least), Math.max(range[1], most)]
    }
    for (const kind of each.nodeKinds) {
      const known = sum.nodeKinds.find(({ key }) => key === kind.key)
      if (known === undefined) {
        sum.nodeKinds.push(structuredClone(kind))
        continue
      }
      known.lowest = Math.min(known.lowest, kind.lowest)
      known.highest = Math.max(known.highest, kind.highest)
      known.isAll &&= kind.isAll
      kind.handlers.forEach((runs, h) => (known.handlers[h]! += Math.max(0, runs)))
      kind.notes.forEach((count, n) => (known.notes[n]! += count))
    }
  }
  return sum
}

function addCounts(into: Record<string, number>, from: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(from)) into[name] = (into[name] ?? 0) + count
}

// ---- reading

interface Fraction {
  readonly seen: number
  readonly of: number
  readonly missing: readonly string[]
}

/** Counts by name. */
type Counts = Readonly<Record<string, number>>

export interface CoverageReport {
  readonly nodes: readonly { readonly nodes: string; readonly handlers: Counts; readonly notes: Counts }[]
  readonly handlers: Fraction
  readonly notes: Fraction
  readonly faults: Fraction & { readonly counts: Counts }
  readonly actions: Counts
  /** Kinds of actions for which there was a place, and that never moved anything. */
  readonly neverSeen: readonly string[]
}

const movedOf = (totals: Totals, kind: ActionKind): number => totals.steps[actionKinds.indexOf(kind) * 3 + 2]!
export const idleOf = (totals: Totals, kind: ActionKind): number =>
  totals.steps[actionKinds.indexOf(kind) * 3 + 1]!

const nodesLabel = ({ lowest, highest, isAll }: NodeKind): string =>
  isAll ? 'all nodes' : lowest === highest ? `n${String(lowest)}` : `n${String(lowest)}–n${String(highest)}`

export function coverageReport(totals: Totals): CoverageReport {
  const handlers: Record<string, number> = {}
  const notes: Record<string, number> = {}
  const nodes = totals.nodeKinds.map((kind) => {
    const label = nodesLabel(kind)
    const own = Object.fromEntries(
      handlerNames.flatMap((name, h) => (kind.handlers[h]! < 0 ? [] : [[name, kind.handlers[h]!] as const])),
    )
    const ownNotes = Object.fromEntries(kind.noteNames.map((name, n) => [name, kind.notes[n]!]))
    for (const [name, count] of Object.entries(own)) handlers[`${label} ${name}`] = count
    for (const [name, count] of Object.entries(ownNotes)) notes[`${label} ${name}`] = count
    return { nodes: label, handlers: own, notes: ownNotes }
  })
  const faultKinds = totals.possible.filter((kind) => isFaultKind(kind) && kind !== 'calm')
  const faults = Object.fromEntries(faultKinds.map((kind) => [kind, movedOf(totals, kind)]))
  const others = totals.possible.filter((kind) => !isFaultKind(kind))
  return {
    nodes,
    handlers: fraction(handlers),
    notes: fraction(notes),
    faults: { ...fraction(faults), counts: faults },
    actions: Object.fromEntries(others.map((kind) => [kind, movedOf(totals, kind)])),
    neverSeen: totals.possible.filter((kind) => kind !== 'calm' && movedOf(totals, kind) === 0),
  }
}

function fraction(counts: Counts): Fraction {
  const names = Object.keys(counts)
  const missing = names.filter((name) => counts[name] === 0)
  return { seen: names.length - missing.length, of: names.length, missing }
}
