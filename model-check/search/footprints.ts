/**
 * Footprints: which cells of a state the steps of a site read and write, as reductions need to know it.
 *
 * What decides about a step is declared: the parts that its site guards and reads, of a handler the private bytes and the
 * input. What follows from that is learnt from the steps for which code is run: where a handler sends and posts, which
 * words of regions a placement, a poll or a publish touches, which parts a step writes. So a footprint grows while a
 * search goes on (`version` rises), and a search that has left out steps on the strength of a smaller one begins anew.
 * What has been learnt in the end is enough: of the steps that could ever reach beyond it consider one that comes first
 * on some run. All before it keep to what was learnt, so the reduced search comes to a state in which what decides about
 * it is the same, runs it there, and learns.
 *
 * Words that a request names count whether they change or not: another word may be there in another run.
 *
 * Some accesses commute though they meet in a part. Requests are posted at the tail of a queue, and neither packets nor
 * placements nor answers of the earlier ones depend on those behind them, nor does a post depend on how far they are (a
 * queue that fails as a whole is seen by its end, which a post reads). What of a request is completed before it is placed
 * is placed all the same, outside the queue (`queue-use.ts`). A budget or limit is its own cell, and so is each
 * word of a region.
 */
import { budgetIndex } from '../../sim/world/faults.js'
import { type ActionKind, type Site, isFaultKind } from '../../sim/world/site.js'
import type { World } from '../../sim/world/world.js'
import type { FaultKind } from '../../protocol/index.js'
import { type BitSet, add, addAll, bitSet, has, meets } from './bit-set.js'
import { Cells, QueueCell, StatusCell } from './cells.js'
import type { Components } from './components.js'
import { fixedFootprint, handlerNode, visitTargets } from './effect-targets.js'
import { type Actor, Locks, isInError } from './locks.js'
import { copyingKinds, flowKinds, headKinds, ownCellsOf, wayKinds } from './queue-use.js'
import { type RegionVisitor, visitPublishes, visitRegionsBefore } from './region-accesses.js'

/** Kinds whose accesses to regions are known word by word. */
const wordwiseKinds: ReadonlySet<ActionKind> = new Set<ActionKind>([
  'store',
  'arrive',
  'fetch',
  'place',
  'answer',
])
/** The cells of a site. */
interface Footprint extends Actor {
  /** Parts of which its steps read bytes whatever a handler asks for. */
  readonly fixed: readonly number[]
  /** Whether its accesses to regions are named word by word. */
  readonly isWordwise: boolean
  /** What its steps depend on when it has some. */
  readonly reads: BitSet
  /** What else may give it something to do. */
  readonly wakes: BitSet
  readonly writes: BitSet
}

export class Footprints {
  /** Rises when a footprint grows. */
  version = 0
  readonly #world: World
  readonly #heedsStores: boolean
  readonly #cells: Cells
  readonly #sites: readonly Footprint[]
  readonly #locks: Locks
  readonly #dependents: (BitSet | undefined)[] = []
  readonly #openers: (BitSet | undefined)[] = []
  readonly #wakers: (BitSet | undefined)[] = []
  #remembered = 0
  /** The words that the step at hand may read and write. */
  readonly #read: BitSet
  readonly #written: BitSet
  readonly #visitor: RegionVisitor
  #usesAll = false

  /**
   * @param historySlot where the residue of the history is, or -1
   * @param heedsStores whether writes to memory that peers may read count; they must
   */
  constructor(world: World, historySlot: number, heedsStores: boolean) {
    this.#world = world
    this.#heedsStores = heedsStores
    this.#cells = new Cells(world, world.memory.parts.length + (historySlot < 0 ? 0 : 1))
    this.#locks = new Locks(world, this.#cells)
    this.#read = this.#cells.none()
    this.#written = this.#cells.none()
    this.#visitor = {
      read: (region, offset, length) => this.#cells.addBytes(this.#read, region, offset, length),
      write: (region, offset, length) => this.#cells.addBytes(this.#written, region, offset, length),
    }
    this.#sites = world.sites.map((site) => this.#declared(site, historySlot))
  }

  #declared(site: Site, historySlot: number): Footprint {
    const cells = this.#cells
    const world = this.#world
    const node = handlerNode(world, site)
    const flow = flowKinds.has(site.kind)
      ? world.fabric!.flows.find(({ queue }) => queue.index === site.guards[0])
      : undefined
    const fixed = fixedFootprint(site, node)
    const isWordwise = node !== undefined || wordwiseKinds.has(site.kind)
    const sets = { reads: cells.none(), wakes: cells.none(), writes: cells.none() }
    const footprint = { site, node, flow, fixed, isWordwise, ...sets }
    const parts = isWordwise && node === undefined ? [...site.guards, ...site.reads] : fixed
    for (const part of parts) {
      if (isWordwise && cells.kindOf(part) === 'region') continue
      const kind = cells.kindOf(part)
      if (kind === 'queue' && part === site.guards[0]) {
        const own = ownCellsOf(site, this.#world)
        if (own === undefined) cells.addWhole(footprint.reads, part)
        for (const cell of own?.uses ?? []) cells.addOne(footprint.reads, part, cell)
        for (const cell of own?.awaits ?? []) cells.addOne(footprint.wakes, part, cell)
      } else if (kind === 'status' && wayKinds.has(site.kind))
        cells.addOne(footprint.reads, part, StatusCell.life)
      else if (kind === 'budgets') this.#addOwnCount(footprint.reads, site)
      else cells.addWhole(footprint.reads, part)
    }
    // What waits behind a publish is applied by the step that lands its last word.
    if (site.kind === 'store') for (const part of site.writes) this.#addEffectTarget(footprint, part)
    if (historySlot >= 0 && tellingKinds.has(site.kind)) {
      cells.addWhole(footprint.reads, historySlot)
      cells.addWhole(footprint.writes, historySlot)
    }
    return footprint
  }

  /** Of budgets and limits a site looks at its own. */
  #addOwnCount(set: BitSet, site: Site): boolean {
    const { budgets, limits } = this.#world
    const limit = limits?.of(site.name)
    let isNew = false
    if (isFaultKind(site.kind) && site.kind !== 'calm')
      isNew = this.#cells.addOne(set, budgets.index, budgetIndex(site.kind as FaultKind))
    if (limit !== undefined) isNew = this.#cells.addOne(set, limit.part, limit.number) || isNew
    return isNew
  }

  /** A part in which an effect of a handler takes place: it is read there too. */
  #addEffectTarget({ reads }: Pick<Footprint, 'reads'>, part: number): boolean {
    const cells = this.#cells
    switch (cells.kindOf(part)) {
      case 'region':
        // Publishes are known word by word; a payload that is taken at the post is read whole.
        return this.#world.fabric?.rules.lateFetch === false && cells.addWhole(reads, part)
      case 'queue':
        return or(cells.addOne(reads, part, QueueCell.posted), cells.addOne(reads, part, QueueCell.room))
      default:
        return cells.addWhole(reads, part)
    }
  }

  // ---- learning

  /** To be called with the state before a step of a site in the world. */
  beforeStep(site: number): void {
    this.#read.fill(0)
    this.#written.fill(0)
    const { site: which, flow } = this.#sites[site]!
    visitRegionsBefore(this.#world, which, flow, this.#visitor)
    // In ERR a request that is not placed is told from one that is, there may be too many that are not, and what is posted
    // behind completes too.
    this.#usesAll = which.kind === 'complete' && isInError(this.#world, flow!)
  }
  /** To be called with the state after it, unless something failed; `before` has the ids of the state before it. */
  afterStep(siteNumber: number, before: Int32Array, components: Components): void {
    const footprint = this.#sites[siteNumber]!
    const { site, node, reads, writes, fixed, isWordwise } = footprint
    const world = this.#world
    const cells = this.#cells
    let isNew = false
    if (node !== undefined) {
      visitPublishes(world, node, this.#visitor)
      visitTargets(world, node, (part) => {
        isNew = this.#addEffectTarget(footprint, part) || isNew
      })
    }
    const isHead = headKinds.has(site.kind)
    let isCommon = true
    for (let i = 0; i < world.touchedCount; i++) {
      const part = world.touchedPart(i)
      switch (cells.kindOf(part)) {
        case 'budgets':
          isNew = this.#addOwnCount(writes, site) || isNew
          break
        case 'region':
          if (isWordwise) this.#expectNamed(part, before, components, site)
          else isNew = cells.addWhole(writes, part) || isNew
          break
        case 'queue':
          isNew = this.#addTouchedQueue(footprint, part) || isNew
          isCommon &&= part === site.guards[0]
          break
        case 'status':
          if (copyingKinds.has(site.kind)) isNew = cells.addOne(writes, part, StatusCell.loading) || isNew
          else isNew = cells.addWhole(writes, part) || isNew
          isCommon = false
          break
        case 'registrations':
          isNew = cells.addWhole(writes, part) || isNew
          break
        default:
          isCommon = false
          isNew = cells.addWhole(writes, part) || isNew
      }
    }
    if (this.#usesAll) isNew = cells.addWhole(writes, site.guards[0]!) || isNew
    // A step on a flow that fails looks at more than one that goes well: at all that is declared.
    if (isHead && !isCommon) for (const part of fixed) isNew = cells.addWhole(reads, part) || isNew
    isNew = addAll(reads, this.#read) || isNew
    if (this.#heedsStores) isNew = addAll(writes, this.#written) || isNew
    // What is written may have been read before.
    isNew = addAll(reads, writes) || isNew
    if (isNew) this.version++
  }

  /** What a step that has touched a queue may have changed of it. */
  #addTouchedQueue(footprint: Footprint, queue: number): boolean {
    const { site, writes } = footprint
    const cells = this.#cells
    const own = queue === site.guards[0] ? ownCellsOf(site, this.#world) : undefined
    if (own !== undefined) {
      let isNew = false
      for (const cell of own.uses) isNew = cells.addOne(writes, queue, cell) || isNew
      return isNew
    }
    return isPost(footprint, queue)
      ? cells.addOne(writes, queue, QueueCell.posted)
      : cells.addWhole(writes, queue)
  }

  /** That no word of a region changed but those that were named. */
  #expectNamed(region: number, before: Int32Array, components: Components, site: Site): void {
    const { memory } = this.#world
    const part = memory.parts[region]!
    const old = components.content(region, before[region]!)
    for (let i = 0; i < old.length; i++)
      if (
        old[i] !== memory.words[part.offset / 4 + i] &&
        !has(this.#written, this.#cells.wordOf(region, i * 4))
      )
        throw new Error(
          `${site.name} changed byte ${String(i * 4)} of ${part.name} unannounced: a fault of the checker`,
        )
  }

  // ---- what keeps a site from acting: numbers of locks, which say what must change first (`locks.ts`)

  /** With a state in the world in which a site is not armed though its gate is open. */
  lockOf(site: number): number {
    return this.#locks.of(this.#sites[site]!)
  }
  /** The same where its gate is shut, whatever else holds. */
  gateLockOf(site: number): number {
    return this.#locks.ofGate(this.#sites[site]!)
  }
  /** With a state in the world in which a site has choices: what may give it more; -1 where nothing does. */
  moreOf(site: number): number {
    return this.#locks.moreOf(this.#sites[site]!)
  }

  // ---- relations between sites; they hold until a footprint grows

  #refresh(): void {
    if (this.#remembered === this.version) return
    this.#remembered = this.version
    for (const known of [this.#dependents, this.#openers, this.#wakers]) known.length = 0
  }

  /** The sites that may change what a site that acts comes to, or see what it does. */
  dependentsOf(site: number): BitSet {
    this.#refresh()
    return (this.#dependents[site] ??= this.#where((other) => {
      const one = this.#sites[site]!
      return (
        meets(other.writes, one.reads) || meets(other.reads, one.writes) || meets(other.writes, one.writes)
      )
    }))
  }
  /** The sites one of which must act before a site can that is kept from it by this. */
  openersOf(lock: number): BitSet {
    this.#refresh()
    return (this.#openers[lock] ??= this.#where(({ writes }) => meets(writes, this.#locks.sets[lock]!)))
  }
  /** The sites one of which must act before a site has something to do that has nothing to do. */
  wakersOf(site: number): BitSet {
    this.#refresh()
    return (this.#wakers[site] ??= this.#where(
      ({ writes }) => meets(writes, this.#sites[site]!.reads) || meets(writes, this.#sites[site]!.wakes),
    ))
  }
  #where(isMeant: (footprint: Footprint) => boolean): BitSet {
    const sites = bitSet(this.#sites.length)
    for (const footprint of this.#sites) if (isMeant(footprint)) add(sites, footprint.site.index)
    return sites
  }
}

/** Kinds of steps of which the history of clients is told. */
const tellingKinds: ReadonlySet<ActionKind> = new Set<ActionKind>(['invoke', 'reply', 'abandon'])

/** Whether a queue that a step has touched is one on which a handler has posted, and no more. */
const isPost = ({ site, node, fixed }: Footprint, queue: number): boolean =>
  site.kind === 'store' || (node !== undefined && !fixed.includes(queue))

const or = (a: boolean, b: boolean): boolean => a || b
