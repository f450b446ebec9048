/**
 * Stubborn sets of sites (Valmari, "Stubborn sets for reduced state space generation", 1990; as persistent sets in
 * Godefroid's thesis, 1996). A set of sites is stubborn in a state when nothing that the others may do beforehand, in
 * however many steps, changes what its own steps come to:
 *
 * - with a site that can act it has all sites that may change what that site comes to, see what it does, or give it more
 *   to choose from;
 * - with a site that cannot act it has, for one condition that keeps it from acting, all sites that may lift it.
 *
 * All steps of the sites of such a set that can act are taken, so it is enough to take these. Which sites can act, and
 * what keeps the others from it, says everything that a set depends on, and is what sets are remembered by.
 */
import { type BitSet, add, bitSet, forEach } from './bit-set.js'
import type { Footprints } from './footprints.js'

/** What is known of a site in a state; from 0 on the number of the lock that keeps it from being armed. */
export const Standing = {
  /** It can act, and a set that is not whole may have it. */
  open: -1,
  /** It can act, and somebody may see it. */
  visible: -2,
  /** It is armed, and nothing comes of it. */
  idle: -3,
} as const

/** Sets are forgotten beyond so many standings. */
const mostRemembered = 1 << 16

export class StubbornSets {
  readonly #footprints: Footprints
  readonly #sites: number
  readonly #known = new Map<string, readonly BitSet[]>()
  #version = -1
  readonly #stack: number[] = []

  constructor(footprints: Footprints, sites: number) {
    this.#footprints = footprints
    this.#sites = sites
  }

  /**
   * @param more by site that can act the number of the lock of what else it may come to do, or -1
   * @returns the different sets of sites that can act which are stubborn, lack some that can, and have none that is visible; those
   * of fewest sites first.
   */
  of(standings: Int32Array, more: Int32Array): readonly BitSet[] {
    const { version } = this.#footprints
    if (version !== this.#version || this.#known.size > mostRemembered) this.#known.clear()
    this.#version = version
    const key = keyOf(standings, more)
    const known = this.#known.get(key)
    if (known !== undefined) return known
    const sets = this.#find(standings, more)
    this.#known.set(key, sets)
    return sets
  }

  #find(standings: Int32Array, more: Int32Array): BitSet[] {
    let able = 0
    for (const standing of standings) if (standing === Standing.open || standing === Standing.visible) able++
    const found = new Map<string, { readonly set: BitSet; readonly size: number }>()
    for (let seed = 0; seed < this.#sites; seed++) {
      if (standings[seed] !== Standing.open) continue
      const set = this.#closure(seed, standings, more)
      if (set === undefined) continue
      let size = 0
      forEach(set, () => size++)
      if (size < able) found.set(set.join(), { set, size })
    }
    return [...found.values()].sort((a, b) => a.size - b.size).map(({ set }) => set)
  }

  /** Those that can act of the least stubborn set found from one site; undefined when one of them is visible. */
  #closure(seed: number, standings: Int32Array, more: Int32Array): BitSet | undefined {
    const footprints = this.#footprints
    const inSet = bitSet(this.#sites)
    const able = bitSet(this.#sites)
    const stack = this.#stack
    stack.length = 0
    const take = (site: number): void => {
      if (add(inSet, site)) stack.push(site)
    }
    take(seed)
    while (stack.length > 0) {
      const site = stack.pop()!
      const standing = standings[site]!
      if (standing === Standing.visible) return undefined
      if (standing === Standing.open) {
        add(able, site)
        forEach(footprints.dependentsOf(site), take)
        if (more[site]! >= 0) forEach(footprints.openersOf(more[site]!), take)
      } else if (standing === Standing.idle) forEach(footprints.wakersOf(site), take)
      else forEach(footprints.openersOf(standing), take)
    }
    return able
  }
}

function keyOf(standings: Int32Array, more: Int32Array): string {
  let key = ''
  for (let site = 0; site < standings.length; site++) {
    const standing = standings[site]!
    key += String.fromCharCode(standing + 3)
    if (standing === Standing.open) key += String.fromCharCode(more[site]! + 1)
  }
  return key
}
