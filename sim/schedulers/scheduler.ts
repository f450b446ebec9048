/**
 * A scheduler decides what happens next; the world decides what can. One file per algorithm behind this interface.
 */
import { Outcome, isFaultKind } from '../world/site.js'
import type { World } from '../world/world.js'

export interface Scheduler {
  readonly name: string
  /** The action chosen by the last `next`. */
  site: number
  choice: number
  /** Begins a run at the world's present state. */
  begin(): void
  /** Chooses an armed action; false when it finds none. */
  next(): boolean
  /** Is told what became of the chosen action, while the world still knows which sites it made dirty. */
  after(outcome: Outcome): void
}

/**
 * Sites that offered one thing, which turned out idle or refused, and whose inputs have not changed since: taking it
 * again would be idle again (a handler is a function of its bytes), so schedulers pass it over.
 */
export class Freshness {
  readonly #world: World
  readonly #spent: Uint8Array

  constructor(world: World) {
    this.#world = world
    this.#spent = new Uint8Array(world.sites.length)
  }
  begin(): void {
    this.#spent.fill(0)
  }
  isFresh(site: number): boolean {
    return this.#spent[site] === 0
  }
  after(site: number, outcome: Outcome): void {
    const world = this.#world
    for (let i = 0; i < world.dirtyCount; i++) this.#spent[world.dirty[i]!] = 0
    if ((outcome !== Outcome.moved || world.settled === site) && world.armed[site] === 1)
      this.#spent[site] = 1
  }
}

/** Indices of the sites that are faults, and of those that are not. */
export function splitSites(world: World): { readonly normal: Int32Array; readonly faults: Int32Array } {
  const normal: number[] = []
  const faults: number[] = []
  for (const site of world.sites)
    if (site.kind !== 'calm') (isFaultKind(site.kind) ? faults : normal).push(site.index)
  return { normal: Int32Array.from(normal), faults: Int32Array.from(faults) }
}
