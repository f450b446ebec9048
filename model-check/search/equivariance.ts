/**
 * A trial of symmetry: along random walks, what can happen after two interchangeable nodes have changed their names must
 * be what could happen before, renamed; and the properties must say the same of both. A renaming is a chain of swaps, so
 * swaps are enough.
 */
import { rename } from '../../protocol/index.js'
import { Random } from '../../sim/random.js'
import { Judge } from '../../sim/run/judge.js'
import { Outcome } from '../../sim/world/site.js'
import type { Snapshot, World } from '../../sim/world/world.js'
import { type SymmetryPlan, SymmetryRefused, transposition } from './symmetry.js'

/** States that are tried. */
const trials = 32
const restartChance = 0.08

/** Throws SymmetryRefused when a swap is noticed. The world is at its beginning, and is left anywhere. */
export function tryEquivariance(world: World, plan: SymmetryPlan, without: readonly string[]): void {
  const { group } = plan
  const judge = new Judge(world, without)
  const random = new Random(1)
  const start = world.snapshot()
  for (let trial = 0; trial < trials; trial++) {
    const base = world.snapshot()
    const a = group[random.below(group.length)]!
    const b = group[random.below(group.length)]!
    const renamed = world.snapshot()
    swapNodes(world, plan, renamed.state, a, b)
    const before = successors(world, judge, base, (state) => {
      swapNodes(world, plan, state, a, b)
    })
    const after = successors(world, judge, renamed, () => undefined)
    if (before.join() !== after.join())
      throw new SymmetryRefused(
        `what can happen is not the same when ${world.nodeName(a)} and ${world.nodeName(b)} have changed their names`,
      )
    world.restore(base)
    stepAtRandom(world, random)
    if (world.failure !== undefined || random.chance(restartChance)) world.restore(start)
  }
}

/** What each step from a state comes to, in an order that does not depend on names. */
function successors(
  world: World,
  judge: Judge,
  base: Snapshot,
  renameBack: (state: Uint8Array) => void,
): string[] {
  world.restore(base)
  const armed = world.armed.slice()
  judge.reset()
  const here = [judge.atStart()?.name ?? '', String(judge.goalReached())]
  const found: string[] = []
  for (const site of world.sites)
    for (let choice = 0; choice < armed[site.index]!; choice++) {
      world.memory.bytes.set(base.state)
      world.memory.side.set(base.side)
      world.failure = undefined
      judge.reset()
      const outcome = world.step(site.index, choice)
      const violation = outcome === Outcome.moved ? judge.afterStep()?.name : undefined
      if (violation === undefined) renameBack(world.memory.bytes)
      const state = violation === undefined ? world.fingerprint() : 0
      found.push(`${site.kind} ${String(outcome)} ${violation ?? ''} ${String(state)}`)
    }
  return [...here, ...found.sort()]
}

function stepAtRandom(world: World, random: Random): void {
  if (world.armedTotal === 0) return
  for (let attempts = 0; attempts < 20; attempts++) {
    let left = random.below(world.armedTotal)
    let site = 0
    while (left >= world.armed[site]!) left -= world.armed[site++]!
    if (world.step(site, left) === Outcome.moved) return
  }
}

/** Changes the names of two nodes of the group in the bytes of a state. */
function swapNodes(
  world: World,
  { owned, naming }: SymmetryPlan,
  state: Uint8Array,
  a: number,
  b: number,
): void {
  if (a === b) return
  const { parts } = world.memory
  const exchange = (one: number, other: number): void => {
    const { offset, sizeBytes } = parts[one]!
    const kept = state.slice(offset, offset + sizeBytes)
    const from = parts[other]!.offset
    state.copyWithin(offset, from, from + sizeBytes)
    state.set(kept, from)
  }
  owned[a]!.forEach((part, i) => {
    exchange(part, owned[b]![i]!)
  })
  const n = world.nodeCount
  const name = transposition(n, a, b)
  for (const channel of world.channels) {
    if (channel === undefined) continue
    const to = world.channels[name[channel.from]! * n + name[channel.to]!]!
    if (to.part.index > channel.part.index) exchange(channel.part.index, to.part.index)
  }
  for (const part of naming) {
    const { layout, offset } = parts[part]!
    const view = new DataView(state.buffer, state.byteOffset + offset, parts[part]!.sizeBytes)
    rename(layout, view, 0, name)
  }
}
