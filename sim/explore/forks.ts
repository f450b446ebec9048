/**
 * Forks: places in earlier runs of a batch from which later runs go on another way. Most of what makes a fault hurt is
 * the moment at which it strikes, and most of what makes the damage show comes after. A batch that has met a rare moment
 * therefore comes back to it, rather than wait for both halves to be drawn in one go (importance splitting; the archive
 * of rarely seen situations is that of Ecoffet et al., First return, then explore, Nature 2021).
 *
 * A *situation* is a fault together with what the nodes were doing when it struck. The rarer it is in the batch, the
 * sooner it is a fork. A fork is a list of actions from the start, so that a run that goes on from there is as complete
 * as any other, and so is its trace.
 */
import type { Random } from '../random.js'
import type { ActionLog } from '../run/action-log.js'
import type { Run } from '../run/run.js'
import { actionKinds, isFaultKind } from '../world/site.js'
import type { World } from '../world/world.js'

interface Fork {
  readonly actions: ActionLog
  /** How often the situation was met, and how often a run went on from it. */
  uses: number
}

/** Longest list of actions that is worth repeating. */
const longest = 200

export class Forks {
  readonly #world: World
  readonly #random: Random
  readonly #faults: Uint8Array
  /** Per node the byte of its role, or -1. */
  readonly #roles: Int32Array
  readonly #forks = new Map<number, Fork>()

  constructor(world: World, random: Random) {
    this.#world = world
    this.#random = random
    this.#faults = Uint8Array.from(world.sites, ({ kind }) => (isFaultKind(kind) ? 1 : 0))
    this.#roles = Int32Array.from(world.nodes, ({ definition: { role, state }, parts }) =>
      role === undefined ? -1 : parts.state.offset + state.offsetOf(...role.field.split('.')),
    )
  }

  isFault(site: number): boolean {
    return this.#faults[site] === 1
  }

  /** What a fault is about to strike: its kind and choices, what its node does, and what how many of the others do. */
  situation(site: number, choice: number): number {
    const { sites, armed, nodes, memory } = this.#world
    const { kind, node } = sites[site]!
    let others = 0
    let own = 0
    for (let i = 0; i < nodes.length; i++) {
      const at = this.#roles[i]!
      const doing = 1 + nodes[i]!.status() * 16 + (at < 0 ? 0 : memory.bytes[at]!)
      if (i === node) own = doing
      else others = (others + Math.imul(doing, 0x9e3779b1)) >>> 0
    }
    const fault = (actionKinds.indexOf(kind) * 2 + (choice > 0 ? 1 : 0)) * 2 + (armed[site]! > 1 ? 1 : 0)
    return (Math.imul(fault * 256 + own, 0x85ebca6b) ^ others) >>> 0
  }

  /** Remembers the place right after a fault. */
  keep(situation: number, log: ActionLog): void {
    const known = this.#forks.get(situation)
    if (known !== undefined) {
      known.uses++
      // One of the places where it was met, none of them preferred.
      if (this.#random.below(known.uses) > 0) return
    }
    if (log.length <= longest) this.#forks.set(situation, { actions: log.slice(), uses: known?.uses ?? 1 })
  }

  /** Brings a run that is at its start to the rarest place, if there is any. */
  goOn(run: Run): void {
    let rarest: Fork | undefined
    for (const fork of this.#forks.values())
      if (rarest === undefined || fork.uses < rarest.uses) rarest = fork
    if (rarest === undefined) return
    rarest.uses++
    const { actions } = rarest
    for (let i = 0; i < actions.length && run.violation === undefined; i++) {
      const site = actions.site(i)
      run.take(site, run.world.sites[site]!.find(actions.subject(i)))
    }
  }
}
