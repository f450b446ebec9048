/**
 * A stage: one world, in which the branches of one setup are played, and what does not change along them.
 *
 * Contract. `seek` brings the world into the state of a branch at a position, from the nearest snapshot or from where the
 * world is. Every state is computed by the real world, so going back and forth gives equal bytes. Snapshots are kept at
 * multiples of an interval, which doubles when they would take more than {@link mostSnapshotBytes}. Where a long way was
 * gone to a position there is one shortly before it too, so that stepping back from there goes that way only once.
 */
import type { SystemDefinition } from '../../protocol/index.js'
import { Outcome, type Setup, type Snapshot, type World, buildWorld } from '../../sim/index.js'
import { armedChoice } from '../../sim/trace/trace.js'
import type { Branch } from './branch.js'
import { impossible } from './errors.js'
import type { SystemInfo, WorldInfo } from './protocol.js'
import { describeWorld } from './world-info.js'

/** Actions between two snapshots, at first: some milliseconds of execution. */
const firstInterval = 2048
const mostSnapshotBytes = 1 << 27
/** Actions between a position and the snapshot that is taken on the way to it, and how many of those are kept. */
const stepsBack = 64
const mostNear = 4

interface Near {
  readonly branch: Branch
  readonly at: number
  readonly snapshot: Snapshot
}

/** A system that a session can run. */
export interface KnownSystem {
  readonly definition: SystemDefinition
  readonly origin: SystemInfo['origin']
  /** What `--system` takes for it, unless it is built in. */
  readonly modulePath?: string | undefined
  /** The text of a litmus program, which traces of it carry. */
  readonly program?: string | undefined
}

export class Stage {
  readonly id: number
  readonly definition: SystemDefinition
  readonly system: KnownSystem
  readonly setup: Setup
  /** Where the user says that the system is, for traces that are saved; undefined for one of Aviary's. */
  readonly modulePath: string | undefined
  readonly world: World
  readonly info: WorldInfo
  readonly start: Snapshot
  interval = firstInterval
  /** Where the world is. */
  #branch: Branch | undefined
  #at = 0
  /** Snapshots shortly before positions that were gone to, the newest first. */
  #near: readonly Near[] = []
  /** Branches whose snapshots count. */
  readonly #branches = new Set<Branch>()
  #snapshots = 0
  readonly #snapshotBytes: number

  constructor(id: number, system: KnownSystem, setup: Setup) {
    const { definition, modulePath } = system
    this.id = id
    this.definition = definition
    this.system = system
    this.modulePath = modulePath
    this.setup = setup
    this.world = buildWorld(definition, setup)
    this.start = this.world.snapshot()
    this.#snapshotBytes = this.start.state.length + this.start.side.byteLength
    this.info = describeWorld(this)
  }

  add(branch: Branch): void {
    this.#branches.add(branch)
  }
  forget(branch: Branch): void {
    this.#branches.delete(branch)
    this.#snapshots -= branch.snapshots.size
    this.#near = this.#near.filter((near) => near.branch !== branch)
    if (this.#branch === branch) this.#branch = undefined
  }

  /** Keeps a snapshot of a branch when one is due at the position. `take` makes it. */
  keep(branch: Branch, at: number, take: () => Snapshot): void {
    if (at === 0 || at % this.interval !== 0 || at <= branch.sharedUpTo || branch.snapshots.has(at)) return
    if ((this.#snapshots + 1) * this.#snapshotBytes > mostSnapshotBytes) {
      this.#thin()
      if (at % this.interval !== 0) return
    }
    branch.snapshots.set(at, take())
    this.#snapshots++
  }
  #thin(): void {
    this.interval *= 2
    for (const branch of this.#branches)
      for (const at of [...branch.snapshots.keys()])
        if (at % this.interval !== 0 && branch.snapshots.delete(at)) this.#snapshots--
  }

  /** Brings the world to a position of a branch. Throws SessionError when an action is not possible. */
  seek(branch: Branch, at: number): World {
    const { world } = this
    const isHere = this.#branch !== undefined && this.#at <= at && branch.agreesWith(this.#branch) >= this.#at
    let from = isHere ? this.#at : -1
    const kept = branch.nearest(at, this.interval)
    const near = this.#near.find((one) => one.at <= at && branch.agreesWith(one.branch) >= one.at)
    const best = near !== undefined && near.at > kept.at ? near : kept
    if (from < best.at) {
      world.restore(best.snapshot ?? this.start)
      from = best.at
    }
    const due = at - from > 2 * stepsBack ? at - stepsBack : -1
    this.#branch = undefined
    for (let i = from; i < at; i++) {
      this.play(branch, i)
      this.keep(branch, i + 1, () => world.snapshot())
      if (i + 1 === due)
        this.#near = [{ branch, at: due, snapshot: world.snapshot() }, ...this.#near.slice(0, mostNear - 1)]
    }
    this.#branch = branch
    this.#at = at
    return world
  }

  /** Takes action `i` of a branch, in whose position `i` the world is. */
  play(branch: Branch, i: number): void {
    const { world } = this
    const site = world.sites[branch.log.site(i)]!
    const subject = branch.log.subject(i)
    const choice = armedChoice(site, subject)
    if (choice < 0 || world.step(site.index, choice) !== Outcome.moved)
      throw impossible(`action ${String(i)}, ${site.name} ${String(subject)}, is not possible here`)
  }

  /** Takes the next action of the branch that the world is on, so that what it touched is still known. */
  advance(branch: Branch, at: number): World {
    this.seek(branch, at - 1)
    this.play(branch, at - 1)
    this.#at = at
    return this.world
  }

  /** The world was used for something else. */
  leave(): void {
    this.#branch = undefined
  }
}
